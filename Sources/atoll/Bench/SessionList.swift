import Filesystem
import Synchronization

/// Sessions that are opened side by side, each at the place of its client.
final class SessionList: Sendable {
    private let sessions: Mutex<[SessionID?]>

    init(count: Int) { sessions = Mutex(Array(repeating: nil, count: count)) }

    func set(_ number: Int, _ session: SessionID) { sessions.withLock { $0[number] = session } }

    /// Each must have been set.
    var all: [SessionID] { sessions.withLock { $0.map { $0! } } }
}
