import APIClient
import APISchema
import Filesystem
import Primitives

/// Sessions that outlive a command: `volume put --stage` opens one per volume and region, and
/// `volume commit`, `reload` and `status` go on with it. Their numbers are in the cluster's directory;
/// the node ends a session that nobody used for 24 hours, or when it restarts, and what was staged
/// there is gone then, as with any process that ends before it commits.
struct StagedSessions {
    private struct Entry: JSONEncodable, Hashable {
        var volume: String
        var region: String
        var node: String
        var session: UInt64
        /// The node's process: its sessions end with it.
        var process: UInt64

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("volume", volume)
                $0.field("region", region)
                $0.field("node", node)
                $0.field("session", identifier: session)
                $0.field("process", process)
            }
        }
    }

    let connection: Connection
    let operation: String

    init(_ connection: Connection, _ operation: String) {
        self.connection = connection
        self.operation = operation
    }

    private func directory() throws -> ClusterDirectory {
        guard let directory = connection.directory else {
            throw CommandFailure(
                operation, "ATOLL_ENDPOINT", "sessions between commands are for local clusters",
                hint: "`atoll volume put` commits at once; the HTTP API has sessions")
        }
        return directory
    }

    private func process() throws -> UInt64 { ReadyFile.read(try directory().ready(connection.node))?.process.startTime ?? 0 }

    private func read() throws -> [Entry] {
        let path = try directory().sessions
        guard LocalFiles.exists(path), let json = try? JSONParser.parse(try LocalFiles.read(path)) else { return [] }
        return try json.rows("sessions") { json throws(FileFailure) in
            Entry(
                volume: try json.string("volume"), region: try json.string("region"), node: try json.string("node"),
                session: try json.identifier("session"), process: try json.unsigned("process"))
        }
    }

    private func write(_ entries: [Entry]) throws {
        try LocalFiles.write(
            JSONWriter.text { writer in writer.object { $0.field("sessions", entries) } } + "\n", to: try directory().sessions, secret: true
        )
    }

    /// The session of this volume on this node; nil where there is none.
    func find(_ volume: FilesystemReport) throws -> SessionID? {
        guard connection.directory != nil else { return nil }
        let process = try process()
        return try read().first { $0.volume == volume.id.description && $0.node == connection.node && $0.process == process }
            .map { SessionID($0.session) }
    }

    /// As `find`; fails, once, where there was one that ended with its node's process, and what was staged with it.
    func findOrTellLost(_ volume: FilesystemReport) throws -> SessionID? {
        if let session = try find(volume) { return session }
        guard connection.directory != nil else { return nil }
        let entries = try read()
        let others = entries.filter { $0.volume != volume.id.description || $0.node != connection.node }
        guard others.count < entries.count else { return nil }
        try write(others)
        throw lost(volume)
    }

    private func lost(_ volume: FilesystemReport) -> CommandFailure {
        CommandFailure(
            operation, "'\(volume.label)'", "the session has ended and what was staged in it is gone",
            hint: "stage it again with `atoll volume put --stage`")
    }

    /// False where the node has ended it; a new one follows then.
    private func isOpen(_ session: SessionID) async throws -> Bool {
        let result: Result<Void, FileFailure>
        do {
            _ = try await connection.client.perform(.sessionStatus, session: session)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        guard case .failure(let failure) = result else { return true }
        switch failure.code {
        case .badHandle, .notFound, .stale: return false
        default: throw failure
        }
    }

    func open(_ volume: FilesystemReport) async throws -> SessionID {
        if let session = try find(volume), try await isOpen(session) { return session }
        let options = SessionOptions(idleLimit: .seconds(86_400))
        let session = try await FailureNames(volume, operation).run { try await connection.client.openSession(volume.id, options: options) }
        var entries = try read().filter { $0.volume != volume.id.description || $0.node != connection.node }
        entries.append(
            Entry(
                volume: volume.id.description, region: connection.region, node: connection.node, session: session.rawValue,
                process: try process()))
        try write(entries)
        return session
    }

    /// An operation on such a session; one that the node has ended is forgotten, and said so.
    func perform(_ operation: FileOperation, _ session: SessionID, _ volume: FilesystemReport, within: Duration? = nil) async throws
        -> FileValue
    {
        let result: Result<FileValue, FileFailure>
        do {
            result = .success(try await connection.client.perform(operation, session: session, within: within).outcome.value)
        } catch {
            result = .failure(error)
        }
        if case .failure(let failure) = result, failure.code == .badHandle, failure.object.contains("session") {
            try write(try read().filter { $0.session != session.rawValue || $0.node != connection.node })
            throw lost(volume)
        }
        return try await FailureNames(volume, self.operation).run { try result.get() }
    }
}
