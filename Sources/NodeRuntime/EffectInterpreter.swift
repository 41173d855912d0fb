import Consensus
import Filesystem
import Logging
import Membership
import NIOCore
import NodeCore
import Primitives
import ReplicaStorage
import Storage
import Transport

/// Does what the core wants done, with sockets and disks. It decides nothing about protocols.
final class EffectInterpreter: Sendable {
    private let network: PeerNetwork
    private let gossip: GossipSocket
    private let log: LogAppender
    private let data: DataPlane
    private let snapshots: SnapshotExchange
    private let waiters: RequestWaiters
    private let syncs: SyncExchange
    private let shaper: LinkShaper
    private let logger: Logger
    private let post: @Sendable (Event) -> Void
    private let onFault: @Sendable (String) -> Void
    private let onLeft: @Sendable () -> Void
    private let onHandedOver: @Sendable () -> Void

    /// Entries of the log wait for room on the disk.
    var isDiskFull: Bool { log.isFull }

    init(
        network: PeerNetwork, gossip: GossipSocket, log: WriteAheadLog, data: DataPlane, snapshots: SnapshotExchange,
        waiters: RequestWaiters,
        syncs: SyncExchange, shaper: LinkShaper, logger: Logger, post: @escaping @Sendable (Event) -> Void,
        onFault: @escaping @Sendable (String) -> Void, onLeft: @escaping @Sendable () -> Void,
        onHandedOver: @escaping @Sendable () -> Void
    ) {
        self.network = network
        self.gossip = gossip
        self.log = LogAppender(log: log, logger: logger, post: post)
        self.data = data
        self.snapshots = snapshots
        self.waiters = waiters
        self.syncs = syncs
        self.shaper = shaper
        self.logger = logger
        self.post = post
        self.onFault = onFault
        self.onLeft = onLeft
        self.onHandedOver = onHandedOver
    }

    func interpret(_ effect: Effect) {
        switch effect {
        case .send(let to, let lane, let message, let attachment): send(message, to: to, lane, attachment)
        case .gossip(let to, let packet): gossip.send(packet.xdrBytes, to: GossipEndpoint(host: to.host, port: Int(to.port)))
        case .sync(let id, let endpoint, _, let payload): syncs.start(id, with: endpoint, payload)
        case .answerSync(let token, let payload): syncs.answer(token, payload)
        case .join(let endpoint, let request): syncs.join(endpoint, request)
        case .answerJoin(let token, let reply): syncs.answer(token, reply)
        case .peer(let record): connect(record)
        case .startTimer, .cancelTimer: preconditionFailure("timers are the loop's")
        case .persist(let token, let writes): persist(token, writes)
        case .saveSnapshot(let group, let metadata, let machine): snapshots.save(group, metadata, machine)
        case .sendSnapshot(let group, let to, let metadata): snapshots.send(group, to: to, metadata)
        case .removeGroup(let group):
            // In order with Raft's writes: the group may come back, and what it writes then must not be lost.
            snapshots.end(group)
            log.append([LogRecord(group, .groupRemoved)]) { [snapshots] in snapshots.delete(group) }
        case .stageWrite(let stage, let offset, let buffer, let overwrites, let token):
            data.write(stage, offset: offset, buffer, overwrites: overwrites, token)
        case .storeStage(let stage, let inPlace, let limit, let token): data.store(stage, inPlace: inPlace, inlineLimit: limit, token)
        case .dropStage(let stage): data.drop(stage)
        case .readExtents(let extents, let under, let offset, let length, let token):
            data.read(extents, under: under, offset: offset, length: length, token)
        case .makeBuffer(let bytes, let token): data.makeBuffer(bytes, token)
        case .sliceBuffer(let buffer, let offset, let length, let token): data.slice(buffer, offset: offset, length: length, token)
        case .pushChunks(let chunks, let to, let token): data.exchange.push(chunks, to: to, token)
        case .fetchChunks(let chunks, let from, let token): data.exchange.fetch(chunks, from: from, token)
        case .chunks(let work): data.perform(work)
        case .dropBuffer(let buffer): data.buffers.remove(buffer)
        case .reply(let request, let reply): answer(request, reply)
        case .publish(let notice): publish(notice)
        }
    }

    private func send(_ message: Message, to node: NodeID, _ lane: NodeCore.Lane, _ attachment: BufferID?) {
        var writer = XDRWriter()
        writer.write(DataMessage.coreTag)
        writer.write(message)
        var header = writer.bytes
        var bytes = attachment.flatMap { data.buffers[$0] }
        if header.count > Self.headerBytes, attachment == nil {
            if case .raft(let batch) = message, batch.messages.count > 1 {
                // Appends of several groups, or a pipeline of them to one: each goes for itself.
                for (group, part) in batch.messages { send(.raft(RaftBatch(group, part)), to: node, lane, nil) }
                return
            }
            // Too large for a header: the message travels in the attachment.
            bytes = ByteBuffer(bytes: header)
            writer = XDRWriter()
            writer.write(DataMessage.largeCoreTag)
            header = writer.bytes
        }
        let outcome = network.send(to: node, lane: lane == .control ? .control : .bulk, header: header, attachment: bytes)
        if case .refused(let reason) = outcome {
            logger.debug("a message is not sent", metadata: ["to": "\(node)", "reason": "\(reason)"])
        }
    }

    /// Longer messages travel as an attachment (a frame's header has at most 4 MiB).
    private static let headerBytes = 2 << 20

    private func connect(_ record: MemberRecord) {
        guard let peer = record.peer else { return }
        switch record.status {
        case .alive, .suspect, .dead:
            network.setPeer(
                PeerAddress(id: record.id, region: record.region, host: peer.host, port: Int(peer.port)), connect: record.status == .alive)
            if let endpoint = record.gossip {
                shaper.learn(host: endpoint.host, port: Int(endpoint.port), node: record.id, region: record.region)
            }
        case .left: network.removePeer(record.id)
        }
    }

    private func persist(_ token: UInt64, _ writes: [(GroupID, RaftPersist)]) {
        log.append(ReplicaStorage.records(writes)) { [post] in post(.logDurable(token: token)) }
    }

    private func answer(_ request: RequestID, _ reply: Reply) {
        if waiters.resume(request, reply) { return }
        if case .outcome(_, let buffer?) = reply { data.buffers.remove(buffer) }
    }

    private func publish(_ notice: NodeNotice) {
        switch notice {
        case .roleChanged(let group, let role, let term, let leader):
            logger.info(
                "role",
                metadata: ["group": "\(group)", "role": "\(role)", "term": "\(term)", "leader": "\(leader.map(\.description) ?? "-")"])
        case .member(let node, let status): logger.info("member", metadata: ["member": "\(node)", "status": "\(status)"])
        case .region(let region, let reachable):
            logger.warning("region", metadata: ["of": "\(region)", "reachable": "\(reachable)"])
        case .groupStarted(let group, let filesystem):
            logger.info("group started", metadata: ["group": "\(group)", "filesystem": "\(filesystem?.description ?? "catalog")"])
        case .groupRemoved(let group): logger.info("group removed", metadata: ["group": "\(group)"])
        case .fault(let what):
            logger.error("fault", metadata: ["what": "\(what)"])
            onFault(what)
        case .contentLost(let filesystem, let name, let chunks, let files):
            logger.error(
                "content is lost",
                metadata: [
                    "filesystem": "\(filesystem)", "name": "\(name)", "chunks": "\(chunks)", "files": "\(files)",
                    "hint": "bring the nodes back that held it, or restore the files; `atoll node remove --force` does not wait for it",
                ])
        case .joined(let node): logger.notice("joined the cluster", metadata: ["as": "\(node)"])
        case .joinDelayed(let why): logger.notice("waits to join the cluster", metadata: ["reason": "\(why)"])
        case .handedOver: onHandedOver()
        case .left: onLeft()
        }
    }
}
