package import NIOCore
package import Primitives

/// What a message travels on. Each lane to a peer has connections of its own, so that bulk bytes never
/// stand in front of a heartbeat.
package enum Lane: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// One connection; messages arrive in the order in which they were sent.
    case control = 0
    /// Several connections (flows); each message travels whole on one of them, and messages may
    /// overtake each other.
    case bulk = 1

    package var description: String {
        switch self {
        case .control: "control"
        case .bulk: "bulk"
        }
    }

    var purpose: Purpose {
        switch self {
        case .control: .control
        case .bulk: .bulk
        }
    }
}

/// Where a node is reached.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    package var id: NodeID
    package var region: RegionID
    /// A name or an address in numbers.
    package var host: String
    package var port: Int
    package init(id: NodeID, region: RegionID, host: String, port: Int) {
        self.id = id
        self.region = region
        self.host = host
        self.port = port
    }
    package var description: String { "\(id) at \(host):\(port)" }
}

package enum SendOutcome: Hashable, Sendable {
    /// In the queue of the lane. Whether it arrives is not known: a connection that breaks loses what
    /// it had taken, and says so by `disconnected`.
    case accepted
    case refused(SendRefusal)
}

package enum SendRefusal: Hashable, Sendable {
    /// No `setPeer` for this node.
    case unknownPeer
    /// The lane's queue holds as much as it may, in messages or bytes. What is in it stays.
    case queueFull
    /// Header or attachment beyond `FrameLimits.open`.
    case tooLarge
    /// The last connection failed and the next attempt is not due yet.
    case unreachable
    case stopped
}

/// Which side dialled: a node sends on the connections that it dialled and receives on those that it
/// accepted, so each direction between two nodes comes and goes by itself.
package enum LinkDirection: Hashable, Sendable {
    case outgoing
    case incoming
}

/// Who hears what arrives. Called on event-loop threads, for each connection in order; calls for
/// different connections may run at the same time. An implementation must not block.
package protocol PeerNetworkDelegate: AnyObject, Sendable {
    func received(from: NodeID, lane: Lane, header: [UInt8], attachment: ByteBuffer?)
    /// A connection is up, both sides having agreed. For `bulk` only the first flow says so.
    func connected(_ peer: NodeID, lane: Lane, direction: LinkDirection, incarnation: UInt64)
    /// A connection is gone, or could not be made: messages accepted for it may be lost. For `bulk`
    /// every flow says so.
    func disconnected(_ peer: NodeID, lane: Lane, direction: LinkDirection, reason: String)
    /// Somebody of this cluster asks for push/pull. `reply` is to be called once, on any thread.
    func syncRequested(from: NodeID, payload: [UInt8], reply: @escaping @Sendable ([UInt8]) -> Void)
}

/// What has passed on one lane to and from one peer since this node started.
package struct LaneCounters: Hashable, Sendable {
    package var messagesOut = 0
    package var bytesOut = 0
    package var messagesIn = 0
    package var bytesIn = 0
    /// Messages that `send` refused for a full queue.
    package var refusedFull = 0
    /// Messages that were accepted and then dropped when a connection could not be made or broke.
    package var dropped = 0
    /// Connections that came up, and attempts that failed, dialled by this node.
    package var connects = 0
    package var failures = 0
    /// In the queue now.
    package var queuedMessages = 0
    package var queuedBytes = 0
    /// Dialled connections that are up now.
    package var flowsUp = 0
    package init() {}
}

package struct PeerStatistics: Hashable, Sendable {
    package let peer: NodeID
    package let region: RegionID?
    package let control: LaneCounters
    package let bulk: LaneCounters
    /// Smoothed round trip of keepalive pings on the control lane; nil before the first.
    package let roundTrip: Duration?
    /// The median of the last fifteen.
    package let medianRoundTrip: Duration?
    /// The last one measured.
    package let lastRoundTrip: Duration?
}
