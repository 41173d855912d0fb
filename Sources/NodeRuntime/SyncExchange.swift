import Membership
import NodeCore
import Primitives
import Synchronization
import Transport

/// Questions to an address over TCP, with one answer: push/pull of gossip, and requests to join. Ours,
/// and those of others that the core has yet to answer. A question and its answer begin with a tag
/// (docs/reference/wire.md).
final class SyncExchange: Sendable {
    private enum Tag {
        static let gossip: UInt32 = 1
        static let join: UInt32 = 2
    }

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
        ask(endpoint, Tag.gossip, payload) { [post] (answer: Result<SyncPayload, TransportError>) in
            if case .success(let payload) = answer { post(.syncReply(id, payload)) } else { post(.syncFailed(id)) }
        }
    }

    func join(_ endpoint: Endpoint, _ request: JoinRequest) {
        ask(endpoint, Tag.join, request) { [post] (answer: Result<JoinReply, TransportError>) in
            switch answer {
            case .success(let reply): post(.joinReply(reply))
            case .failure(let error): post(.joinReply(Self.isForeign(error) ? .refused("node join: \(error)") : .later("\(error)")))
            }
        }
    }

    /// Whether the seed is of another cluster: to ask again does not help.
    private static func isForeign(_ error: TransportError) -> Bool {
        error.cause.contains("authority") || error.cause.contains("of cluster") || error.cause.contains("to reach cluster")
    }

    private func ask<Answer: XDRCodable & SendableMetatype>(
        _ endpoint: Endpoint, _ tag: UInt32, _ question: some XDRCodable,
        then end: @escaping @Sendable (Result<Answer, TransportError>) -> Void
    ) {
        network.sync(host: endpoint.host, port: Int(endpoint.port), payload: Self.tagged(tag, question), timeout: .seconds(5)) { result in
            end(
                result.flatMap { bytes in
                    var reader = XDRReader(bytes)
                    guard (try? reader.uint32()) == tag, let answer: Answer = try? reader.value(), (try? reader.finish()) != nil else {
                        return .failure(TransportError(.malformed, "ask", endpoint.description, cause: "its answer cannot be read"))
                    }
                    return .success(answer)
                })
        }
    }

    private static func tagged(_ tag: UInt32, _ value: some XDRCodable) -> [UInt8] {
        var writer = XDRWriter()
        writer.write(tag)
        writer.write(value)
        return writer.bytes
    }

    func requested(_ bytes: [UInt8], from: NodeID, reply: @escaping @Sendable ([UInt8]) -> Void) {
        guard let event = Self.event(bytes, from) else { return }
        let token: SyncToken? = state.withLock { state in
            guard state.waiting.count < Self.limit else { return nil }
            let token = SyncToken(state.next)
            state.next += 1
            state.waiting[token] = reply
            return token
        }
        if let token { post(event(token)) }
    }

    private static func event(_ bytes: [UInt8], _ from: NodeID) -> ((SyncToken) -> Event)? {
        do throws(XDRError) {
            var reader = XDRReader(bytes)
            switch try reader.uint32() {
            case Tag.gossip:
                let payload: SyncPayload = try reader.value()
                try reader.finish()
                return { .syncRequest($0, payload) }
            case Tag.join:
                let request: JoinRequest = try reader.value()
                try reader.finish()
                return { .joinRequest($0, from: from, request) }
            default: return nil
            }
        } catch {
            return nil
        }
    }

    func answer(_ token: SyncToken, _ payload: SyncPayload) { answer(token, Tag.gossip, payload) }
    func answer(_ token: SyncToken, _ reply: JoinReply) { answer(token, Tag.join, reply) }

    private func answer(_ token: SyncToken, _ tag: UInt32, _ value: some XDRCodable) {
        state.withLock { $0.waiting.removeValue(forKey: token) }?(Self.tagged(tag, value))
    }
}
