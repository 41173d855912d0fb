import APIClient
import APISchema
import Filesystem
import Primitives
import Synchronization

/// The nodes of a region that can have a mount's session, with a client for each. Their list is asked of the node that
/// serves, again and again: when it is gone it is too late to ask.
final class RegionNodes: Sendable {
    /// A node as a mount uses it.
    struct Node: Sendable {
        let address: String
        /// For operations: whoever calls repeats.
        let client: APIClient
        /// For asking whether it lives: never behind operations that wait.
        let probe: APIClient
    }

    /// Nodes that are remembered.
    private static let limit = 64

    private struct State {
        /// The last one that served first.
        var addresses: [String]
        var nodes: [String: Node] = [:]
    }

    let region: String
    private let origin: APIClient
    private let state: Mutex<State>

    init(_ origin: APIClient, region: String) {
        self.origin = origin
        self.region = region
        state = Mutex(State(addresses: [origin.address]))
    }

    var addresses: [String] { state.withLock { $0.addresses } }

    func node(_ address: String) -> Node {
        state.withLock { state in
            if let known = state.nodes[address] { return known }
            let made = Node(
                address: address,
                client: origin.sibling(
                    address, options: APIClientOptions(connectTimeout: .seconds(2), retryFor: .zero, connectionLimit: 256)),
                probe: origin.sibling(
                    address,
                    options: APIClientOptions(timeout: .seconds(5), connectTimeout: .seconds(1), retryFor: .zero, connectionLimit: 4)))
            state.nodes[address] = made
            return made
        }
    }

    /// Takes over what a node says of its region's others. Those that are not named any more are kept behind the rest:
    /// they may come back.
    func learn(from node: Node) async {
        guard let members = try? await node.probe.members() else { return }
        let named = members.filter { $0.region.name == region && ["alive", "suspect"].contains($0.status) }
            .compactMap { member in member.endpoints.first { $0.name == "http" }?.address }
        state.withLock { state in
            var seen: Set<String> = []
            let all = [node.address] + named.sorted() + state.addresses
            state.addresses = Array(all.filter { seen.insert($0).inserted }.prefix(Self.limit))
        }
    }

    func shutdown() async {
        for node in state.withLock({ $0.nodes.values.map { $0 } }) {
            await node.client.shutdown()
            await node.probe.shutdown()
        }
    }
}
