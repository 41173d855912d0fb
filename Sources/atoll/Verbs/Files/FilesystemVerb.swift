import APIClient
import APISchema
import Filesystem
import Primitives

/// What the verbs of both kinds share: finding a file system by name or id, and telling failures in
/// the words of the verb.
struct FilesystemVerb: Sendable {
    let kind: FilesystemKind
    /// `put`, `ls`, …
    let verb: String
    let target: TargetOptions
    /// Refuse a network file system that lives elsewhere.
    var requireLocal = false
    /// The verb that was said, where it is another one.
    var says: String?

    /// Verbs that use files, and so pay for the distance.
    private var usesFiles: Bool { ["ls", "put", "get", "rm", "cp", "mount"].contains(verb) }

    var operation: String { says ?? "\(kind.word) \(verb)" }

    func run<Result: Sendable>(_ body: (Connection) async throws -> Result) async throws -> Result {
        try await Connection.run(target.cluster, .region(target.region), limit: target.limit, operation, body)
    }

    /// The file system of that name in the environment, or of that id.
    func find(_ name: String, _ connection: Connection) async throws -> FilesystemReport {
        let found = try await look(name, connection)
        if kind == .nfs, usesFiles { try await warnOfDistance(found, connection) }
        return found
    }

    /// Once a command: what it costs to use it from here.
    private func warnOfDistance(_ found: FilesystemReport, _ connection: Connection) async throws {
        var here = connection.region
        if here.isEmpty { here = try await connection.client.status().region.name }
        guard here != found.region.name else { return }
        guard !requireLocal else {
            throw CommandFailure(
                operation, "'\(found.label)'", "it lives in \(found.region.name), and this client is in \(here)",
                hint: "say --region \(found.region.name), or leave --require-local out")
        }
        let pair = try await connection.client.regions().first {
            ($0.from.name == here && $0.to == found.region) || ($0.to.name == here && $0.from == found.region)
        }
        let distance = DistanceReport(from: RegionID(here), region: found.region, roundTripMilliseconds: pair?.medianMilliseconds)
        Terminal.error("warning: \(distance.words(found.label))")
    }

    private func look(_ name: String, _ connection: Connection) async throws -> FilesystemReport {
        do {
            guard let id = FilesystemID(name) else {
                return try await connection.client.filesystem(kind: kind, environment: target.environment, name: name)
            }
            guard id.kind == kind else {
                throw CommandFailure(
                    operation, name, "it is a \(id.kind.noun), not a \(kind.noun)", hint: "use `atoll \(id.kind.word) \(verb)`")
            }
            return try await connection.client.filesystem(id)
        } catch let failure as FileFailure where failure.code == .notFound {
            let isEnvironment = failure.object.hasPrefix("environment ")
            throw CommandFailure(
                operation, isEnvironment ? failure.object : "'\(name)'", failure.cause,
                hint: isEnvironment ? "`atoll environment list` shows which there are" : failure.hint)
        } catch let failure as FileFailure where failure.code == .wrongKind {
            // Of what is there already; verbs that make something tell the same of a name that is taken.
            var told = CommandFailure(failure, "\(kind.word) ls")
            told.operation = operation
            throw told
        }
    }

    func path(_ text: String) throws -> FilePath {
        guard let path = FilePath(text) else {
            throw CommandFailure.usage(operation, text, "a path holds no \"..\" and at most 4,096 bytes")
        }
        return path
    }

    /// Runs `body` in a session that ends with it.
    func session<Result: Sendable>(
        _ filesystem: FilesystemReport, _ connection: Connection, readOnly: Bool, version: VersionID? = nil,
        _ body: (Files) async throws -> Result
    ) async throws -> Result {
        let options = SessionOptions(readOnly: readOnly, version: version, attributeCache: .zero)
        let names = FailureNames(filesystem, operation)
        let id = try await names.run { try await connection.client.openSession(filesystem.id, options: options) }
        let files = Files(connection, names, session: id)
        do {
            let result = try await names.run { try await body(files) }
            try? await connection.client.closeSession(id)
            return result
        } catch {
            // What failed is told at once.
            try? await connection.client.closeSession(id, isPatient: false)
            throw error
        }
    }
}

/// File operations in one session.
struct Files: Sendable {
    let client: APIClient
    let names: FailureNames
    let session: SessionID

    init(_ connection: Connection, _ names: FailureNames, session: SessionID) {
        client = connection.client
        self.names = names
        self.session = session
    }

    var filesystem: FilesystemID { names.filesystem }
    var label: String { names.label }

    /// A path and whose it is, for errors.
    func shown(_ path: FilePath) -> String { names.shown(path) }

    func missing(_ path: FilePath) -> CommandFailure {
        CommandFailure(names.operation, shown(path), "there is no such file or directory", hint: names.lookHint)
    }

    @discardableResult func perform(_ operation: FileOperation, within: Duration? = nil) async throws -> FileValue {
        try await client.perform(operation, session: session, within: within).outcome.value
    }

    /// Nil where there is nothing.
    func stat(_ path: FilePath, followLinks: Bool = true) async throws -> FileAttributes? {
        do {
            guard case .attributes(let attributes) = try await perform(.stat(path: path, followLinks: followLinks)) else { return nil }
            return attributes
        } catch let failure as FileFailure where failure.code == .notFound {
            return nil
        }
    }

    func existing(_ path: FilePath, followLinks: Bool = true) async throws -> FileAttributes {
        guard let attributes = try await stat(path, followLinks: followLinks) else {
            throw missing(path)
        }
        return attributes
    }

    /// All entries of a directory, page by page.
    func list(_ path: FilePath) async throws -> [FileEntry] {
        var entries: [FileEntry] = []
        var cookie: UInt64 = 0
        while true {
            guard case .entries(let page, let next) = try await perform(.list(path: path, cookie: cookie, limit: 1_000)) else {
                return entries
            }
            entries += page
            guard let next else { return entries }
            cookie = next
        }
    }
}
