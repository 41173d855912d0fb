import APIClient
import FUSEMount
import Filesystem
import NIOCore
import Primitives
import Synchronization

/// The seam of a mount over a node's API: one session, kept alive while the mount is.
final class SessionEndpoint: FileEndpoint {
    /// What is done where the file system's home can not be reached.
    enum Patience: Sendable {
        /// Wait, however long; a signal ends the wait.
        case block
        /// Fail with ETIMEDOUT after so long.
        case fail(Duration)
    }

    /// How long a node goes on with one request; the API's bound.
    private static let longest = Duration.seconds(600)
    static let heartbeat = Duration.seconds(15)

    let client: APIClient
    let session: SessionID
    private let patience: Patience
    private let lastTold = Mutex<String?>(nil)

    init(client: APIClient, session: SessionID, patience: Patience) {
        self.client = client
        self.session = session
        self.patience = patience
    }

    func perform(_ operation: FileOperation, payload: ByteBuffer?) async throws(FileFailure) -> (value: FileValue, data: ByteBuffer?) {
        var pause = Duration.milliseconds(100)
        while true {
            do throws(FileFailure) {
                return try await once(operation, payload)
            } catch {
                guard case .block = patience, !Task.isCancelled, [.unavailable, .overloaded, .timedOut].contains(error.code),
                    operation.mayBeRepeated
                else { throw error }
                tell(error)
                do { try await Task.sleep(for: pause) } catch { throw Self.cancelled(operation) }
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    private func once(_ operation: FileOperation, _ payload: ByteBuffer?) async throws(FileFailure) -> (value: FileValue, data: ByteBuffer?)
    {
        switch patience {
        case .block:
            let answer = try await client.perform(operation, session: session, payload: payload, within: Self.longest)
            return (answer.outcome.value, answer.data)
        case .fail(let limit):
            // The client repeats what may be repeated for longer than this: the limit is the mount's.
            let end = Task { [client, session] in
                try await client.perform(operation, session: session, payload: payload, within: limit)
            }
            let watch = Task {
                try await Task.sleep(for: limit + .milliseconds(500))
                end.cancel()
            }
            let result = await withTaskCancellationHandler {
                await end.result
            } onCancel: {
                end.cancel()
            }
            watch.cancel()
            switch result {
            case .success(let answer): return (answer.outcome.value, answer.data)
            case .failure(let failure as FileFailure): throw failure
            case .failure: throw Self.cancelled(operation)
            }
        }
    }

    private static func cancelled(_ operation: FileOperation) -> FileFailure {
        FileFailure(.timedOut, operation: operation.name, object: "mount", cause: "cancelled")
    }

    /// Once for each cause: a mount that waits says why.
    private func tell(_ failure: FileFailure) {
        let isNew = lastTold.withLock { last in
            defer { last = failure.cause }
            return last != failure.cause
        }
        if isNew { Terminal.error("waits: \(Terminal.escaped(failure.description))") }
    }

    /// The node ends sessions that nobody uses; a killed mount's locks end with it.
    func keepAlive() async {
        while !Task.isCancelled {
            _ = try? await client.perform(.sessionStatus, session: session, within: .seconds(10))
            try? await Task.sleep(for: Self.heartbeat)
        }
    }
}

extension FileOperation {
    /// It changes nothing, or the same when it is carried out twice.
    fileprivate var mayBeRepeated: Bool {
        switch self {
        case .sync, .flush, .setAttributes, .unlock, .zeroRange, .setXattr: true
        case .write(_, let offset): offset != .max
        default: changesNothing
        }
    }
}
