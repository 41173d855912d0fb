package import Filesystem
import Logging
import Membership
package import NIOCore
import NodeCore
package import Primitives
package import Replication
import Synchronization
import Transport

extension LiveNode: NodeService {
    /// Beyond the core's own deadline a reply is not waited for.
    private static let longest: Duration = .seconds(3_600)

    private func deadline(_ within: Duration) -> Instant { clock.now + min(max(within, .milliseconds(1)), Self.longest) }

    private func ask(_ make: (RequestID) -> Event) async -> Reply {
        await waiters.ask({ [loop] in loop.post($0) }, make)
    }

    package func openSession(_ filesystem: FilesystemID, options: SessionOptions, within: Duration) async throws(FileFailure) -> SessionID {
        let end = deadline(within)
        switch await ask({ .openSession($0, filesystem, options, deadline: end) }) {
        case .session(let id): return id
        case .failed(let failure): throw failure
        case .outcome, .catalog: preconditionFailure("a session was opened with another reply")
        }
    }

    package func closeSession(_ session: SessionID) async { loop.post(.closeSession(session)) }

    package func perform(_ operation: FileOperation, session: SessionID, payload: ByteBuffer?, within: Duration)
        async throws(FileFailure) -> (outcome: FileOutcome, data: ByteBuffer?)
    {
        if operation.isChange { try await refuseOnFullDisk(operation.name, operation.object) { $0.needsOwnDisk(session) } }
        let end = deadline(within)
        let bytes = payload.map { Payload(buffer: data.buffers.insert($0), length: UInt32($0.readableBytes)) }
        switch await ask({ .operation($0, session, operation, payload: bytes, deadline: end) }) {
        case .outcome(let outcome, let buffer): return (outcome, buffer.flatMap { data.buffers.remove($0) })
        case .failed(let failure): throw explained(failure)
        case .session, .catalog: preconditionFailure("an operation was answered with another reply")
        }
    }

    package func change(_ command: CatalogCommand, within: Duration) async throws(FileFailure) -> CatalogResult {
        try await refuseOnFullDisk("change", "catalog") { $0.needsOwnDisk(.catalog) }
        let end = deadline(within)
        switch await ask({ .changeCatalog($0, command, deadline: end) }) {
        case .catalog(let result): return result
        case .failed(let failure): throw explained(failure)
        case .session, .outcome: preconditionFailure("a change of the catalog was answered with another reply")
        }
    }

    private var isDiskFull: Bool { life.withLock { $0.isDiskFull }?() ?? false }

    /// What no majority could write down without this node's disk, which is full, would only wait, and might happen
    /// long after the caller has given up: it is refused before it begins.
    private func refuseOnFullDisk(
        _ operation: String, _ object: String, _ isNeeded: @escaping @Sendable (borrowing NodeState) -> Bool
    ) async throws(FileFailure) {
        guard isDiskFull, await loop.read(isNeeded) else { return }
        throw FileFailure(
            .noSpace, operation: operation, object: object, cause: "the node's disk is full", hint: "free some space; reads go on meanwhile"
        )
    }

    /// What began before the disk was full may happen yet: the answer to the wait says what it waited for.
    private func explained(_ failure: FileFailure) -> FileFailure {
        guard failure.code == .timedOut, isDiskFull else { return failure }
        return FileFailure(
            .timedOut, operation: failure.operation, object: failure.object,
            cause: "\(failure.cause); the disk of node \(config.node.name) is full, writes wait until there is room", hint: failure.hint)
    }

    package func catalog() async -> CatalogState { await loop.read { $0.catalog } }

    package func snapshot(of group: GroupID) async -> (metadata: [UInt8], content: [UInt8])? {
        guard let (metadata, machine) = await loop.read({ $0.snapshot(of: group) }) else { return nil }
        // Off the node's loop: a large tree takes a while.
        return await Task.detached {
            var content: [UInt8] = []
            machine.encodeSnapshot { content += $0 }
            return (metadata.xdrBytes, content)
        }.value
    }

    package func applyLinkRules(_ encoded: [UInt8]) async throws(FileFailure) {
        do {
            shaper.apply(try LinkRules(xdr: encoded))
        } catch {
            throw FileFailure(.invalid, operation: "apply link rules", object: "node \(config.node.id)", cause: "\(error)")
        }
    }

    package func gossipKeys(reloading: Bool) async throws(FileFailure) -> [UInt8] {
        if reloading {
            do {
                let ring = try KeyRing.load(from: config.gossipKeyFile)
                gossip.keys = ring
                logger.notice("gossip keys read again", metadata: ["seals": "\(ring.primary.id)", "keys": "\(ring.keys.map(\.id))"])
            } catch {
                throw FileFailure(
                    .invalid, operation: "reload gossip keys", object: "node \(config.node.id)", cause: "\(error)",
                    hint: "the keys are as they were; copy the file from where the others have it, then try again")
            }
        }
        return gossip.keys.keys.map(\.id)
    }

    package func drain(within: Duration) async {
        life.withLock { $0.state = "draining" }
        // A handover takes a round trip and a vote; whoever cannot be handed over to must not hold up the end.
        await told(within: within * 2 / 3, by: .handOver) { $0.onHandedOver = $1 }
        await told(within: within / 3, by: .leave) { $0.onLeft = $1 }
    }

    /// Posts an event and waits, within a bound, until the core tells that it is done.
    private func told(within: Duration, by event: Event, _ listen: (inout Life, @escaping @Sendable () -> Void) -> Void) async {
        let (ends, tell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        life.withLock { listen(&$0) { tell.yield() } }
        loop.post(event)
        let limit = Task {
            try? await Task.sleep(for: within)
            tell.finish()
        }
        for await _ in ends { break }
        limit.cancel()
    }

    package func status() async -> NodeStatus {
        let view = await loop.read { $0.view }
        let (state, endpoints) = life.withLock { ($0.state, $0.endpoints) }
        return NodeStatus(
            node: NodeID(config.node.id), region: RegionID(config.node.region), clusterName: config.cluster.name, version: Self.version,
            state: state, uptime: uptime, dataDirectory: config.dataDirectory, endpoints: endpoints, members: view.members.map(Self.member),
            groups: view.groups.map(Self.group),
            regions: view.regions.map {
                NodeStatus.RegionPair(from: $0.from, to: $0.to, median: $0.median, p90: $0.p90, least: $0.least, samples: $0.samples)
            },
            metrics: metrics(view))
    }

    package func waits() async -> [NodeStatus.Wait] {
        let now = clock.now
        return await loop.read { $0.waits(longerThan: .seconds(1), now: now) }.map {
            NodeStatus.Wait(
                operation: $0.operation, object: $0.object, filesystem: $0.filesystem, session: $0.session, waitsFor: $0.waitsFor,
                waited: $0.waited, left: $0.left)
        }
    }

    private static func member(_ member: NodeView.Member) -> NodeStatus.Member {
        NodeStatus.Member(
            id: member.record.id, region: member.record.region, status: member.record.status.description,
            incarnation: member.record.incarnation, roundTrip: member.roundTrip,
            endpoints: member.record.endpoints.map { ($0.name, $0.endpoint.description) })
    }

    private static func group(_ group: NodeView.Group) -> NodeStatus.Group {
        NodeStatus.Group(
            id: group.id, filesystem: group.filesystem, role: group.role, term: group.term, leader: group.leader,
            commitIndex: group.commitIndex, appliedIndex: group.appliedIndex, digest: group.digest, voters: group.voters,
            learners: group.learners, version: group.version)
    }
}
