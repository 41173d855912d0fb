import Filesystem
import Foundation
import Primitives
import Synchronization

// Commits of a volume's session. No change goes together with one, so that the journal knows what was published.

extension SessionEndpoint {
    /// Waits while a commit is under way.
    func beginChange(_ operation: FileOperation) async throws(FileFailure) {
        while true {
            let may = state.withLock { state in
                guard !state.isCommitting else { return false }
                state.changesUnderWay += 1
                return true
            }
            if may { return }
            do { try await Task.sleep(for: .milliseconds(2)) } catch { throw Self.cancelled(operation) }
        }
    }

    func commit(_ options: CommitOptions) async throws(FileFailure) -> FileValue {
        let operation = FileOperation.commit(options)
        while !state.withLock({ state in
            guard !state.isCommitting else { return false }
            state.isCommitting = true
            return true
        }) {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { throw Self.cancelled(operation) }
        }
        defer { state.withLock { ($0.isCommitting, $0.commit) = (false, nil) } }
        while state.withLock({ $0.changesUnderWay }) > 0 {
            do { try await Task.sleep(for: .milliseconds(1)) } catch { throw Self.cancelled(operation) }
        }
        if let loss = state.withLock({ state in
            defer { state.loss = nil }
            return state.loss
        }) {
            throw loss
        }
        return .receipt(try await publish(options))
    }

    private func publish(_ asked: CommitOptions) async throws(FileFailure) -> CommitReceipt {
        var options = asked
        // By this a commit is known whose answer is lost with its node.
        let token = "\(Self.name) #\(UInt32.random(in: 0 ... .max))"
        options.message = options.message.isEmpty ? token : "\(options.message) (\(token))"
        state.withLock { $0.commit = (token, asked.leavesOutOpenFiles, nil) }
        let generation = link.generation
        let value: FileValue
        do throws(FileFailure) { value = try await insistently(.commit(options), nil, nil).value } catch {
            guard let found = state.withLock({ $0.commit?.found }) else { throw error }
            return found
        }
        guard case .receipt(let receipt) = value else {
            throw FileFailure(.ioError, operation: "commit", object: "session", cause: "the node gave another answer")
        }
        if let found = state.withLock({ $0.commit?.found }), receipt.changes == 0 || link.generation != generation { return found }
        state.withLock { $0.committed(receipt.version, leavesOutOpenFiles: options.leavesOutOpenFiles) }
        return receipt
    }

    /// Who commits, for the volume's history.
    private static let name = "mount \(ProcessInfo.processInfo.hostName.prefix(64)):\(getpid())"

    /// Publishes what is staged, again and again, as long as there is something.
    func commitInBackground(every pause: Duration) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            guard !Task.isCancelled, state.withLock({ $0.hasStaged && !$0.isCommitting && !$0.isRecovering }) else { continue }
            var options = CommitOptions(message: "background commit")
            options.leavesOutOpenFiles = true
            do throws(FileFailure) { _ = try await commit(options) } catch { tell(error) }
        }
    }
}

extension SessionEndpoint.State {
    /// The session stands on `newest` now, with what was left out.
    mutating func committed(_ newest: VersionID, leavesOutOpenFiles: Bool = false) {
        version = max(version, newest)
        let left =
            leavesOutOpenFiles
            ? Set(files.values.filter { $0.writes && !$0.isSynced }.map(\.object)).subtracting(
                files.values.filter { $0.writes && $0.isSynced }.map(\.object)) : []
        journal.committed(leavingOut: left)
        hasStaged = !left.isEmpty
    }
}
