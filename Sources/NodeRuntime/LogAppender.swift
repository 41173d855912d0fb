import Dispatch
import Logging
import NodeCore
import Primitives
import Storage
import Synchronization

/// Appends what Raft wants written to the node's log, in order, and tells when it is durable.
///
/// A full disk is no reason to end: nothing is acknowledged that is not durable, and reads need no
/// log. So an append that finds no room is kept, with all that came after it, and tried again until
/// there is. All of them are written anew, in their order, those too that fitted: a write means what
/// it says only behind the writes before it, and one that is written twice says the same as once.
/// Raft's own bounds on what is not yet committed bound what is kept here.
///
/// Any other failure is told as such, and the node must not go on.
final class LogAppender: Sendable {
    private struct Write: Sendable {
        var records: [LogRecord]
        /// Called from the log's thread when they are durable; must not block.
        var end: @Sendable () -> Void
    }

    private struct State {
        /// Not known to be durable, oldest first.
        var writes: [Write] = []
        /// How many the log has been given and not answered.
        var underWay = 0
        /// The first of `writes` found no room: what the log says of those behind it does not count, and
        /// they are given to it again one by one.
        var isFull = false
        var hasFailed = false
    }

    /// Between two attempts on a full disk.
    private static let pause: DispatchTimeInterval = .milliseconds(250)

    private let log: WriteAheadLog
    private let logger: Logger
    private let post: @Sendable (Event) -> Void
    private let state = Mutex(State())
    /// Gives writes to the log in their order, and may wait for it.
    private let queue = DispatchQueue(label: "atoll.log-appender")

    init(log: WriteAheadLog, logger: Logger, post: @escaping @Sendable (Event) -> Void) {
        self.log = log
        self.logger = logger
        self.post = post
    }

    /// The disk had no room for the oldest write, which waits for some.
    var isFull: Bool { state.withLock { $0.isFull } }

    /// To be called from one thread.
    func append(_ records: [LogRecord], durable end: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            state.writes.append(Write(records: records, end: end))
            if !state.isFull { state.underWay += 1 }
            return !state.isFull
        }
        if isOpen { log.append(records) { [self] in ended($0) } }
    }

    /// The log answers in the order of the appends.
    private func ended(_ error: StorageError?) {
        var outcome = Outcome()
        state.withLock { state in
            state.underWay -= 1
            if !state.isFull { Self.take(error, &state, &outcome) }
            outcome.waits = state.isFull && state.underWay == 0
        }
        tell(outcome)
        if outcome.waits { queue.asyncAfter(deadline: .now() + Self.pause) { self.again() } }
    }

    // MARK: A full disk

    private func again() {
        let records = state.withLock { $0.writes[0].records }
        log.append(records) { [self] in endedAgain($0) }
    }

    private func endedAgain(_ error: StorageError?) {
        var outcome = Outcome()
        state.withLock { state in
            Self.take(error, &state, &outcome)
            guard error == nil else { return outcome.waits = state.isFull && !state.hasFailed }
            state.isFull = !state.writes.isEmpty
            outcome.isOver = !state.isFull
            outcome.goesOn = state.isFull
        }
        tell(outcome)
        // The log's thread, which this is, must not wait for the log.
        if outcome.goesOn { queue.async { self.again() } }
        if outcome.waits { queue.asyncAfter(deadline: .now() + Self.pause) { self.again() } }
    }

    // MARK: Telling

    private struct Outcome {
        var durable: (@Sendable () -> Void)?
        var failed: String?
        var isNews = false
        var isOver = false
        var waits = false
        var goesOn = false
    }

    /// What the log said of the first write.
    private static func take(_ error: StorageError?, _ state: inout State, _ outcome: inout Outcome) {
        guard !state.hasFailed else { return }
        switch error {
        case nil: outcome.durable = state.writes.removeFirst().end
        case .noSpace?:
            outcome.isNews = !state.isFull
            state.isFull = true
        case let error?:
            state.hasFailed = true
            outcome.failed = "\(error)"
        }
    }

    private func tell(_ outcome: Outcome) {
        if outcome.isNews { logger.warning("the disk is full: writes wait until there is room, reads go on") }
        if outcome.isOver { logger.warning("there is room on the disk again: writes go on") }
        outcome.durable?()
        if let reason = outcome.failed { post(.logFailed(token: 0, reason: reason)) }
    }
}
