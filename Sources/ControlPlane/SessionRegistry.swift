internal import Filesystem
internal import Replication
internal import Synchronization

/// Which token opened which session, for tokens of limited scope: such a token reaches only its own
/// sessions. The admin token reaches all, so its sessions are not kept here.
final class SessionRegistry: Sendable {
    private struct State {
        var owners: [SessionID: AccessTokenID] = [:]
        /// In order of opening, for dropping the oldest; may name sessions that ended.
        var order: [SessionID] = []
    }

    static let capacity = 16_384
    private let state = Mutex(State())

    func opened(_ session: SessionID, by principal: Principal) {
        guard case .token(let token) = principal, !token.isAdmin else { return }
        state.withLock { state in
            if state.order.count >= Self.capacity {
                for old in state.order.prefix(Self.capacity / 2) { state.owners[old] = nil }
                state.order.removeFirst(Self.capacity / 2)
            }
            state.owners[session] = token.id
            state.order.append(session)
        }
    }

    func closed(_ session: SessionID) { state.withLock { _ = $0.owners.removeValue(forKey: session) } }

    func check(_ session: SessionID, _ principal: Principal) throws(FileFailure) {
        if principal.isAdmin { return }
        let owner = state.withLock { $0.owners[session] }
        if case .token(let token) = principal, owner == token.id { return }
        throw Principal.denied("use", "session \(session.rawValue)")
    }
}
