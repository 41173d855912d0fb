import Foundation
import Synchronization

/// Tells measuring threads to end early.
final class StopFlag: Sendable {
    private let isSet = Mutex(false)

    func set() { isSet.withLock { $0 = true } }

    func check() throws {
        if isSet.withLock({ $0 }) { throw CancellationError() }
    }
}

/// Work that a signal ends in order: it is told to stop, and everything it made is taken away before
/// the verb fails.
enum Interruptible {
    static func run<Result: Sendable>(_ operation: String, _ body: @Sendable @escaping (StopFlag) async throws -> Result) async throws
        -> Result
    {
        let stop = StopRequest()
        let flag = StopFlag()
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body(flag) }
            group.addTask {
                let cause = await stop.wait()
                flag.set()
                throw CommandFailure(operation, "", "stopped by \(cause)")
            }
            guard let result = try await group.next() else { throw CancellationError() }
            group.cancelAll()
            return result
        }
    }

    /// Blocking work on a thread of its own, so that signals are heard meanwhile.
    static func thread<Result: Sendable>(_ body: @Sendable @escaping () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Swift.Result(catching: body)) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }
}
