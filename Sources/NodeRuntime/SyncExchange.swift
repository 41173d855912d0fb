import Membership
import NodeCore
import Primitives
import Synchronization
import Transport

/// Push/pull of gossip over TCP: asks of ours, and asks of others that the core has yet to answer.
final class SyncExchange: Sendable {
    private let network: PeerNetwork
    private let post: @Sendable (Event) -> Void
    private struct State {
        var waiting: [SyncToken: @Sendable ([UInt8]) -> Void] = [:]
        var next: UInt64 = 1
    }
    private let state = Mutex(State())
    /// Asks of others that may wait at once.
    private static let limit = 1_024

    init(network: PeerNetwork, post: @escaping @Sendable (Event) -> Void) {
        self.network = network
        self.post = post
    }

    func start(_ id: SyncID, with endpoint: Endpoint, _ payload: SyncPayload) {
        network.sync(host: endpoint.host, port: Int(endpoint.port), payload: payload.xdrBytes, timeout: .seconds(5)) { [post] result in
            guard case .success(let bytes) = result, let answer = try? SyncPayload(xdr: bytes) else {
                post(.syncFailed(id))
                return
            }
            post(.syncReply(id, answer))
        }
    }

    func requested(_ bytes: [UInt8], reply: @escaping @Sendable ([UInt8]) -> Void) {
        guard let payload = try? SyncPayload(xdr: bytes) else { return }
        let token: SyncToken? = state.withLock { state in
            guard state.waiting.count < Self.limit else { return nil }
            let token = SyncToken(state.next)
            state.next += 1
            state.waiting[token] = reply
            return token
        }
        if let token { post(.syncRequest(token, payload)) }
    }

    func answer(_ token: SyncToken, _ payload: SyncPayload) {
        state.withLock { $0.waiting.removeValue(forKey: token) }?(payload.xdrBytes)
    }
}
