import APIClient
import FUSEMount
import Filesystem
import NIOCore
import Primitives
import Synchronization

/// The seam of a mount over the API of a node: a session, kept alive while the mount is, and put in place again on another
/// node of the region where its own ends. Programs see nothing of that but a pause:
///
/// - open files are opened again, and what was written to them and not flushed is written again;
/// - a volume's session begins on the version that the old one had, and what was staged is staged again from a journal;
/// - locks are taken again, where nobody else can have had them meanwhile. Others are lost, and whoever had one is told
///   with EIO by everything that is read or written under it, as by Linux's NFS client.
final class SessionEndpoint: FileEndpoint {
    /// What is done where the file system's home can not be reached.
    enum Patience: Sendable {
        /// Wait, however long; a signal ends the wait.
        case block
        /// Fail with ETIMEDOUT after so long.
        case fail(Duration)
    }

    /// A session, and where it is.
    struct Link: Sendable {
        /// Counts the sessions of a mount.
        let generation: UInt64
        let node: RegionNodes.Node
        let nodeID: NodeID
        let session: SessionID
    }

    /// An open file as the mount has it.
    struct OpenFile {
        /// The number by which it is shown.
        let object: InodeID
        let writes: Bool
        var real: HandleID
        var generation: UInt64
        /// Written and not flushed: what another session has to be told again.
        var unflushed: [SessionJournal.Write] = []
        /// What was written until here may be published by a commit though the file is open.
        var isSynced = false
        var locks: [(range: LockRange, exclusive: Bool)] = []
        var hasLostLocks = false
        /// Why it is of no more use.
        var failure: FileFailure?
    }

    struct State {
        var link: Link
        var isRecovering = false
        /// The file system is gone.
        var end: FileFailure?
        /// Calls under way, each with what ends it.
        var calls: [UInt64: (generation: UInt64, end: @Sendable () -> Void)] = [:]
        var files: [HandleID: OpenFile] = [:]
        /// For calls and files.
        var next: UInt64 = 1
        var numbers = ShownNumbers()
        /// The node answered last.
        var contact = ContinuousClock.now

        // Volumes.
        var version: VersionID
        var journal = SessionJournal()
        var hasStaged = false
        var isAdopted = false
        var changesUnderWay = 0
        var isCommitting = false
        /// What a commit under way is known by, and whether another session found it published.
        var commit: (token: String, leavesOutOpenFiles: Bool, found: CommitReceipt?)?
        /// Staged changes that were lost: the next commit says so.
        var loss: FileFailure?
    }

    /// How long a node goes on with one request that may not be repeated, the API's bound, and with others.
    static let longest = Duration.seconds(600)
    static let usual = Duration.seconds(60)
    /// Bytes written to one file that are kept for another session; then they are flushed.
    static let unflushedLimit = 32 << 20

    let nodes: RegionNodes
    let filesystem: FilesystemID
    let options: SessionOptions
    let patience: Patience
    let state: Mutex<State>
    /// Where an object is, by its names; asked where a number stands for what an earlier session made.
    let nameOf = Mutex<(@Sendable (InodeID) -> FilePath?)?>(nil)
    /// Told when another node has the session.
    let moved = Mutex<(@Sendable (Link) -> Void)?>(nil)
    private let lastTold = Mutex<String?>(nil)

    init(_ nodes: RegionNodes, _ filesystem: FilesystemID, _ options: SessionOptions, link: Link, version: VersionID, patience: Patience) {
        self.nodes = nodes
        self.filesystem = filesystem
        self.options = options
        self.patience = patience
        state = Mutex(State(link: link, version: version))
    }

    /// The session has staged changes already, of which there is no journal.
    func adopt() {
        state.withLock { state in
            state.journal.tear()
            (state.hasStaged, state.isAdopted) = (true, true)
        }
    }
    var isAdopted: Bool { state.withLock { $0.isAdopted } }

    /// Nothing is asked of it any more.
    func end(closes: Bool = true) async {
        let link = link
        if closes { try? await link.node.client.closeSession(link.session, isPatient: false, within: .seconds(5)) }
        await nodes.shutdown()
    }

    var isVolume: Bool { filesystem.kind == .volume }
    var link: Link { state.withLock { $0.link } }

    func perform(_ operation: FileOperation, payload: ByteBuffer?, object: InodeID?) async throws(FileFailure) -> (
        value: FileValue, data: ByteBuffer?
    ) {
        guard isVolume else { return try await insistently(operation, payload, object) }
        if case .commit(let options) = operation { return (try await commit(options), nil) }
        guard operation.isJournaled else { return try await insistently(operation, payload, object) }
        try await beginChange(operation)
        defer { state.withLock { $0.changesUnderWay -= 1 } }
        let answer = try await insistently(operation, payload, object)
        if case .write(let handle, _) = operation { try await boundUnflushed(handle) }
        return answer
    }

    /// As often as it takes, or as the mount's options allow.
    func insistently(_ operation: FileOperation, _ payload: ByteBuffer?, _ object: InodeID?) async throws(FileFailure) -> (
        value: FileValue, data: ByteBuffer?
    ) {
        let end: ContinuousClock.Instant? = if case .fail(let limit) = patience { .now + limit } else { nil }
        var pause = Duration.milliseconds(20)
        var isUncertain = false
        while true {
            let link = try await present(until: end, operation)
            let failure: FileFailure
            do throws(FileFailure) {
                if isUncertain, !operation.mayBeRepeated, let settled = try await settled(operation, object, link, end),
                    let value = note(operation, nil, settled, 0, object, link)
                {
                    return (value, nil)
                }
                let asked = try await translated(operation, link, end)
                let answer = try await call(asked.operation, payload, link, end)
                RequestTrace.current?.add(operation, answer.outcome.cost, by: link.node.address)
                if let value = note(operation, payload, answer.outcome.value, asked.unflushed, object, link) { return (value, answer.data) }
                // The session that did it is no more.
                isUncertain = true
                continue
            } catch { failure = error }
            if case .close(let handle, _) = operation, failure.code == .badHandle, !failure.isOfSession {
                // It was closed by an answer that was lost.
                _ = state.withLock { $0.files.removeValue(forKey: handle) }
                return (.done, nil)
            }
            guard !Task.isCancelled else { throw failure }
            guard await mayGoOn(failure, operation, link, &isUncertain) else { throw failure }
            RequestTrace.current?.repeats(because: failure)
            tell(failure)
            guard end.map({ .now + pause < $0 }) ?? true else { throw Self.late(operation, failure) }
            do { try await Task.sleep(for: pause) } catch { throw Self.cancelled(operation) }
            pause = min(pause * 2, .seconds(2))
        }
    }

    /// Whether it is worth another try, perhaps by another node.
    private func mayGoOn(_ failure: FileFailure, _ operation: FileOperation, _ link: Link, _ isUncertain: inout Bool) async -> Bool {
        if failure.isOfSession {
            lose(link)
            return true
        }
        if failure.code == .ioError, case .nfs = filesystem.kind, let handle = operation.handle, await canWriteAgain(handle, link) {
            return true
        }
        switch failure.code {
        case .overloaded: return true
        case .unavailable, .timedOut:
            // Whether it was carried out is not known.
            isUncertain = true
            if state.withLock({ $0.link.generation != link.generation || $0.isRecovering }) { return true }
            if await isAlive(link) == .serves { return true }
            lose(link)
            return true
        default: return false
        }
    }

    /// Waits while another node takes the session over.
    func present(until end: ContinuousClock.Instant?, _ operation: FileOperation) async throws(FileFailure) -> Link {
        while true {
            let (link, failure) = state.withLock { ($0.isRecovering ? nil : $0.link, $0.end) }
            if let failure { throw failure }
            if let link { return link }
            guard end.map({ .now < $0 }) ?? true else {
                throw FileFailure(
                    .timedOut, operation: operation.name, object: "mount", cause: "no node of \(nodes.region) has answered in time",
                    hint: "see `atoll status`")
            }
            do { try await Task.sleep(for: .milliseconds(10)) } catch { throw Self.cancelled(operation) }
        }
    }

    /// Once, by one node; ended where another takes its place.
    func call(_ operation: FileOperation, _ payload: ByteBuffer?, _ link: Link, _ end: ContinuousClock.Instant?) async throws(FileFailure)
        -> (outcome: FileOutcome, data: ByteBuffer?)
    {
        let left = end.map { max(.milliseconds(1), $0 - .now) }
        let bound = left ?? (operation.mayBeRepeated ? Self.usual : Self.longest)
        let work = Task {
            try await link.node.client.perform(operation, session: link.session, payload: payload, within: bound)
        }
        let number = state.withLock { state in
            defer { state.next += 1 }
            state.calls[state.next] = (link.generation, { @Sendable in work.cancel() })
            if state.link.generation != link.generation || state.isRecovering { work.cancel() }
            return state.next
        }
        // The client repeats nothing, but waits a little for the way back: the limit is the mount's.
        let watch = left.map { left in
            Task {
                try await Task.sleep(for: left + .milliseconds(500))
                work.cancel()
            }
        }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        watch?.cancel()
        let isWell: Bool
        switch result {
        case .success: isWell = true
        case .failure(let failure as FileFailure): isWell = ![.unavailable, .timedOut].contains(failure.code)
        case .failure: isWell = false
        }
        state.withLock { state in
            state.calls[number] = nil
            if isWell, state.link.generation == link.generation { state.contact = .now }
        }
        switch result {
        case .success(let answer): return answer
        case .failure(let failure as FileFailure): throw failure
        case .failure: throw Self.cancelled(operation)
        }
    }

    static func cancelled(_ operation: FileOperation) -> FileFailure {
        FileFailure(.timedOut, operation: operation.name, object: "mount", cause: "cancelled")
    }

    private static func late(_ operation: FileOperation, _ failure: FileFailure) -> FileFailure {
        FileFailure(.timedOut, operation: operation.name, object: failure.object, cause: failure.cause, hint: failure.hint)
    }

    /// Once for each cause: a mount that waits says why.
    func tell(_ failure: FileFailure) {
        let isNew = lastTold.withLock { last in
            defer { last = failure.cause }
            return last != failure.cause
        }
        if isNew { Terminal.error("waits: \(Terminal.escaped(failure.description))") }
    }
}

extension FileFailure {
    /// The node has no such session: it was idle too long, or the node began anew.
    var isOfSession: Bool { code == .badHandle && object.hasPrefix("session ") }
}
