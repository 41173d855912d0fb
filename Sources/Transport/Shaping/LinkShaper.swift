internal import NIOCore
package import Primitives
internal import Synchronization

/// Applies a region map to the real traffic of a local cluster, in process, at the sender: each node
/// delays, limits and drops what it sends itself, so that no proxy, no root and no kernel support is
/// needed. One `LinkShaper` per node is shared by its `PeerNetwork` and its `GossipSocket`.
///
/// - Connections: a handler below TLS (`ShaperHandler`) holds back the encrypted bytes. Connecting pays
///   its round trip, so do the TLS handshake and the hello, because their bytes pass here too.
/// - Gossip: `GossipSocket` asks for each datagram.
/// - The time in which bytes really cross loopback, and in which the loop wakes up, comes on top; it is
///   what `docs/internals/` reports as the shaper's error (about 0.1 to 0.3 ms a round trip).
/// - Link capacity is per sending node: the rules have a region's divided by its number of nodes.
package final class LinkShaper: Sendable {
    package let node: NodeID
    package let region: RegionID

    private struct State: Sendable {
        var rules: LinkRules
        var isReleased = false
        var links: [RegionID: SharedLink] = [:]
        var places: [SocketAddress: LinkEnd] = [:]
        var listeners: [UInt64: @Sendable () -> Void] = [:]
        var nextListener: UInt64 = 0
        var flows: UInt64 = 0
    }
    private let state: Mutex<State>

    /// How many endpoints are remembered; more than any local cluster has.
    static let placeLimit = 65_536

    package init(node: NodeID, region: RegionID, rules: LinkRules = .none) {
        self.node = node
        self.region = region
        state = Mutex(State(rules: rules))
    }

    /// The rules in force.
    package var rules: LinkRules { state.withLock { $0.rules } }

    /// Replaces the rules, for connections that exist too.
    package func apply(_ rules: LinkRules) {
        let listeners = state.withLock { state in
            state.rules = rules
            return Array(state.listeners.values)
        }
        for listener in listeners { listener() }
    }

    /// Says who listens at an address, so that datagrams to it, and connections to it by address alone,
    /// are shaped. `host` is an address in numbers; anything else is ignored.
    package func learn(host: String, port: Int, node: NodeID, region: RegionID) {
        guard let address = try? SocketAddress(ipAddress: host, port: port) else { return }
        state.withLock { state in
            if state.places.count < Self.placeLimit { state.places[address] = LinkEnd(node: node, region: region) }
        }
    }

    /// Stops shaping for good and lets go of everything held back: for an orderly stop.
    package func release() {
        let listeners = state.withLock { state in
            state.isReleased = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener() }
    }

    // MARK: - For the handlers

    var me: LinkEnd { LinkEnd(node: node, region: region) }

    func place(of address: SocketAddress) -> LinkEnd? { state.withLock { $0.places[address] } }

    func path(to end: LinkEnd?) -> LinkPath {
        state.withLock { state in
            guard let end, !state.isReleased else { return .none }
            return LinkPath(forward: state.rules.rule(from: me, to: end), backward: state.rules.rule(from: end, to: me))
        }
    }

    var stallLimit: Duration { state.withLock { $0.isReleased ? .zero : $0.rules.stallLimit } }

    /// A seed of its own for each flow, the same in each run that makes its flows in the same order.
    func nextSeed() -> UInt64 {
        state.withLock { state in
            state.flows += 1
            return SeededGenerator.mix(state.rules.seed ^ SeededGenerator.mix(node.rawValue &+ state.flows << 20))
        }
    }

    /// The link to a region, which all flows and datagrams of this node to there share.
    func link(to region: RegionID) -> SharedLink {
        state.withLock { state in
            if let link = state.links[region] { return link }
            let link = SharedLink()
            state.links[region] = link
            return link
        }
    }

    /// `listener` is called, on any thread, after each change of rules.
    func listen(_ listener: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = listener
            return state.nextListener
        }
    }

    func unlisten(_ token: UInt64) { state.withLock { _ = $0.listeners.removeValue(forKey: token) } }
}

/// A link's capacity, used from several event loops.
final class SharedLink: Sendable {
    let capacity = Mutex(LinkCapacity())
}

extension Instant {
    /// This machine's monotonic clock, as NIO reads it.
    static var now: Instant { Instant(nanoseconds: Int64(NIODeadline.now().uptimeNanoseconds)) }

    var deadline: NIODeadline { .uptimeNanoseconds(UInt64(max(nanoseconds, 0))) }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .nanoseconds(duration.inNanoseconds) }
}
