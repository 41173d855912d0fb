import Logging
import Membership
import NIOCore
import NodeCore
import Primitives
import Synchronization
import Transport

/// What comes from peers, turned into events; bytes that cannot be read are counted and dropped.
final class PeerReceiver: PeerNetworkDelegate, GossipSocketDelegate {
    private let data: DataPlane
    private let snapshots: SnapshotExchange
    private let syncs: SyncExchange
    private let logger: Logger
    private let post: @Sendable (Event) -> Void
    let malformed = Atomic<UInt64>(0)

    init(data: DataPlane, snapshots: SnapshotExchange, syncs: SyncExchange, logger: Logger, post: @escaping @Sendable (Event) -> Void) {
        self.data = data
        self.snapshots = snapshots
        self.syncs = syncs
        self.logger = logger
        self.post = post
    }

    func received(from: NodeID, lane: Transport.Lane, header: [UInt8], attachment: ByteBuffer?) {
        do throws(XDRError) {
            var reader = XDRReader(header)
            switch try reader.uint32() {
            case DataMessage.coreTag:
                let message: Message = try reader.value()
                try reader.finish()
                let payload = attachment.map { Payload(buffer: data.buffers.insert($0), length: UInt32($0.readableBytes)) }
                post(.message(from: from, message, attachment: payload))
            case DataMessage.dataTag:
                let message: DataMessage = try reader.value()
                try reader.finish()
                switch message {
                case .snapshot, .snapshotReceived: snapshots.received(message, from: from, attachment: attachment)
                default: data.exchange.received(message, from: from, attachment: attachment)
                }
            case DataMessage.largeCoreTag:
                try reader.finish()
                var large = XDRReader(Array((attachment ?? ByteBuffer()).readableBytesView))
                guard try large.uint32() == DataMessage.coreTag else { throw .badValue(what: "large frame", value: 0) }
                let message: Message = try large.value()
                try large.finish()
                post(.message(from: from, message, attachment: nil))
            case let other: throw .badValue(what: "frame", value: UInt64(other))
            }
        } catch {
            malformed.add(1, ordering: .relaxed)
            logger.warning("a message cannot be read", metadata: ["from": "\(from)", "error": "\(error)"])
        }
    }

    func connected(_ peer: NodeID, lane: Transport.Lane, direction: LinkDirection, incarnation: UInt64) {
        if lane == .control, direction == .outgoing { post(.peerConnected(peer)) }
    }

    func disconnected(_ peer: NodeID, lane: Transport.Lane, direction: LinkDirection, reason: String) {
        guard direction == .outgoing else { return }
        if lane == .control { post(.peerLost(peer)) }
        data.exchange.lost(peer)
        snapshots.lost(peer)
    }

    func syncRequested(from: NodeID, payload: [UInt8], reply: @escaping @Sendable ([UInt8]) -> Void) {
        syncs.requested(payload, from: from, reply: reply)
    }

    func gossipReceived(_ payload: [UInt8], from: GossipEndpoint) {
        guard let packet = try? SWIMPacket(xdr: payload), let port = UInt16(exactly: from.port) else {
            malformed.add(1, ordering: .relaxed)
            return
        }
        post(.gossip(from: Endpoint(host: from.host, port: port), packet))
    }
}
