import APIClient
import APISchema
import Filesystem
import Primitives
import Synchronization

/// Tells, on standard error, what a command waits for (contract: every wait says so). A call that has had
/// no answer for three seconds gets one line; another follows when the words have changed, ten seconds
/// later at the soonest. The node is asked over a connection of its own (`GET /v1/waits`).
final class WaitWatch: CallObserver {
    private struct Pending {
        let call: PendingCall
        let since: ContinuousClock.Instant
        /// Why it was refused so far.
        var refusal: String?
    }

    private struct State {
        var calls: [UInt64: Pending] = [:]
        var next: UInt64 = 1
        var isWatching = false
        var said: (words: String, at: ContinuousClock.Instant)?
    }

    private static let patience = Duration.seconds(3)
    private static let silence = Duration.seconds(10)

    private let operation: String
    private let node: String
    private let address: String
    private let token: String
    private let state = Mutex(State())

    init(operation: String, node: String, address: String, token: String) {
        self.operation = operation
        self.node = node
        self.address = address
        self.token = token
    }

    // MARK: What is under way

    func began(_ call: PendingCall) -> UInt64 {
        let (number, isFirst) = state.withLock { state in
            defer { (state.next, state.isWatching) = (state.next + 1, true) }
            state.calls[state.next] = Pending(call: call, since: .now)
            return (state.next, !state.isWatching)
        }
        if isFirst { Task.detached { await self.watch() } }
        return number
    }

    func willRepeat(_ number: UInt64, cause: String) { state.withLock { $0.calls[number]?.refusal = cause } }

    func ended(_ number: UInt64) { state.withLock { $0.calls[number] = nil } }

    /// The call that has waited longest; nil, and the watch is over, where there is none.
    private func oldest() -> Pending? {
        state.withLock { state in
            let found = state.calls.values.min { $0.since < $1.since }
            if found == nil { state.isWatching = false }
            return found
        }
    }

    // MARK: Telling

    private func watch() async {
        var asked: ContinuousClock.Instant?
        while let pending = oldest() {
            let due = pending.since + Self.patience
            if .now >= due, asked.map({ .now - $0 >= .seconds(1) }) ?? true {
                asked = .now
                await look(pending)
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private func look(_ pending: Pending) async {
        // An old line is not repeated, and one that may not be said yet need not be asked for.
        if let said = state.withLock({ $0.said }), .now - said.at < Self.silence { return }
        let waited = ContinuousClock.now - pending.since
        let found = await ask(pending.call, waited)
        var left = pending.call.longest - waited
        let words: String
        if let found {
            words = "waits for \(found.waitsFor)"
            left = min(left, .milliseconds(Int64(max(0, found.leftSeconds) * 1_000)))
        } else if let refusal = pending.refusal {
            words = "\(node) refuses for now: \(refusal); it is asked again"
            left = pending.call.repeatsFor - waited
        } else {
            guard !pending.call.isUpload else { return }
            words = "no answer from \(node) yet"
        }
        let isNew = state.withLock { state in
            // It may have been answered while the node was asked.
            guard !state.calls.isEmpty, state.said?.words != words else { return false }
            state.said = (words, .now)
            return true
        }
        guard isNew else { return }
        let line = "\(operation): \(words); at most \(max(1, left.components.seconds)) s more"
        Terminal.error((Terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + Terminal.escaped(line))
    }

    /// The node's own words for the wait of this call; nil where it does not answer or knows of none.
    private func ask(_ call: PendingCall, _ waited: Duration) async -> WaitReport? {
        let options = APIClientOptions(timeout: .seconds(1), connectTimeout: .seconds(1), retryFor: .zero)
        let client = APIClient(address: address, token: token, options: options)
        let waits = try? await Bounded.run(.seconds(2)) { try await client.waits() }
        await client.shutdown()
        let seconds = waited.inMilliseconds / 1_000
        return (waits ?? []).filter { Self.concerns($0, call.path) }.min {
            abs($0.waitedSeconds - seconds) < abs($1.waitedSeconds - seconds)
        }
    }

    /// A call names its session or its file system in the URL; one that names neither changes the catalog.
    static func concerns(_ wait: WaitReport, _ path: String) -> Bool {
        let parts = path.split(separator: "?", maxSplits: 1)
        let segments = (parts.first ?? "").split(separator: "/")
        let query = parts.count > 1 ? parts[1].split(separator: "&") : []
        func after(_ name: Substring) -> String? {
            segments.firstIndex(of: name).flatMap { $0 + 1 < segments.count ? String(segments[$0 + 1]) : nil }
        }
        if let session = after("sessions") ?? query.first(where: { $0.hasPrefix("session=") }).map({ String($0.dropFirst(8)) }) {
            return wait.session.map { "\($0.rawValue)" } == session
        }
        if let filesystem = after("filesystems") { return wait.filesystem?.description == filesystem }
        return wait.filesystem == nil
    }
}
