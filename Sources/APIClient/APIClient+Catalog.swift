package import APISchema
package import Filesystem
internal import NIOHTTP1
package import Primitives

/// What to create.
package struct NewFilesystem: Sendable {
    package enum Mode: String, Sendable {
        case failIfExists = "create_fail_if_exists"
        case createIfMissing = "create_if_missing"
        case ephemeral
    }
    package var kind: FilesystemKind
    package var name: String?
    package var environment: String
    /// Primary region of a network file system, home of a volume; nil for that of the node asked.
    package var region: RegionID?
    package var mode: Mode
    package var owner: AppID?
    /// `region`, `majority`, `all` or `bounded`; nil for the standard of the kind.
    package var durability: String?
    /// Of `bounded`: seconds, bytes.
    package var maximumLag: Double?
    package var maximumLagBytes: UInt64?
    package var replicasPerRegion: UInt32?
    package var version: UInt32?

    package init(
        kind: FilesystemKind, name: String?, environment: String = "main", region: RegionID? = nil, mode: Mode = .failIfExists,
        owner: AppID? = nil, durability: String? = nil, replicasPerRegion: UInt32? = nil, version: UInt32? = nil
    ) {
        self.kind = kind
        self.name = name
        self.environment = environment
        self.region = region
        self.mode = mode
        self.owner = owner
        self.durability = durability
        self.replicasPerRegion = replicasPerRegion
        self.version = version
    }
}

extension APIClient {
    package func createFilesystem(_ new: NewFilesystem) async throws(FileFailure) -> FilesystemReport {
        let call = Call(.POST, "/v1/filesystems", object: new.name ?? new.kind.noun, isRepeatable: new.mode == .createIfMissing).with {
            writer in
            writer.object {
                $0.field("kind", new.kind.word)
                $0.field("name", new.name)
                $0.field("environment", new.environment)
                $0.field("region", new.region?.name)
                $0.field("mode", new.mode.rawValue)
                $0.field("owner", new.owner?.description)
                $0.field("durability", new.durability)
                if let lag = new.maximumLag { $0.field("max_lag_s", lag) }
                if let bytes = new.maximumLagBytes { $0.field("max_lag_bytes", bytes) }
                $0.field("replicas_per_region", new.replicasPerRegion)
                $0.field("version", new.version)
            }
        }
        return try FilesystemReport(json: try await json(call))
    }

    /// Makes `new` with the content of a file system, or of a version of it.
    package func clone(_ source: FilesystemID, version: VersionID?, as new: NewFilesystem) async throws(FileFailure) -> FilesystemReport {
        var call = Call(.POST, "/v1/filesystems/\(source)/clones", object: new.name ?? source.description).with { writer in
            writer.object {
                $0.field("kind", new.kind.word)
                $0.field("name", new.name)
                $0.field("environment", new.environment)
                $0.field("region", new.region?.name)
                $0.field("durability", new.durability)
                if let version { $0.field("version", version.rawValue) }
            }
        }
        call.timeout = .seconds(600)
        return try FilesystemReport(json: try await json(call))
    }

    package func filesystems(kind: FilesystemKind? = nil, environment: String? = nil) async throws(FileFailure) -> [FilesystemReport] {
        try await list(kind, environment, name: nil)
    }

    package func filesystem(kind: FilesystemKind?, environment: String = "main", name: String) async throws(FileFailure) -> FilesystemReport
    {
        guard let found = try await list(kind, environment, name: name).first else {
            throw FileFailure(.notFound, operation: "look up", object: name, cause: "there is no such file system")
        }
        return found
    }

    private func list(_ kind: FilesystemKind?, _ environment: String?, name: String?) async throws(FileFailure) -> [FilesystemReport] {
        let query = Self.query([("kind", kind?.word), ("environment", environment), ("name", name)])
        return try await json(Call(.GET, "/v1/filesystems\(query)", object: name ?? "file systems"))
            .rows("filesystems") { json throws(FileFailure) in try FilesystemReport(json: json) }
    }

    /// Who holds what of a network file system.
    package func nfsState(_ id: FilesystemID) async throws(FileFailure) -> NFSStateReport {
        try NFSStateReport(json: try await json(Call(.GET, "/v1/filesystems/\(id)/nfs-state", object: id.description)))
    }

    package func filesystem(_ id: FilesystemID) async throws(FileFailure) -> FilesystemReport {
        try FilesystemReport(json: try await json(Call(.GET, "/v1/filesystems/\(id)", object: id.description)))
    }

    package func rename(_ id: FilesystemID, to name: String) async throws(FileFailure) -> FilesystemReport {
        let call = Call(.PATCH, "/v1/filesystems/\(id)", object: id.description).with { $0.object { $0.field("name", name) } }
        return try FilesystemReport(json: try await json(call))
    }

    package func delete(_ id: FilesystemID) async throws(FileFailure) {
        _ = try await exchange(Call(.DELETE, "/v1/filesystems/\(id)", object: id.description))
    }

    // MARK: Environments

    package func environments() async throws(FileFailure) -> [EnvironmentReport] {
        try await json(Call(.GET, "/v1/environments", object: "environments")).rows("environments") { json throws(FileFailure) in
            try EnvironmentReport(json: json)
        }
    }

    package func createEnvironment(_ name: String) async throws(FileFailure) {
        _ = try await exchange(Call(.POST, "/v1/environments", object: name).with { $0.object { $0.field("name", name) } })
    }

    package func deleteEnvironment(_ name: String) async throws(FileFailure) {
        _ = try await exchange(Call(.DELETE, "/v1/environments/\(PercentCoding.encode(name))", object: name))
    }

    // MARK: Tokens

    /// The secret is told this once.
    package func createToken(about: String, filesystem: FilesystemID, write: Bool, expiresIn: Duration? = nil) async throws(FileFailure)
        -> (id: UInt64, secret: String)
    {
        let call = Call(.POST, "/v1/tokens", object: about).with { writer in
            writer.object { writer in
                writer.field("description", about)
                if let expiresIn { writer.field("expires_in_s", expiresIn.components.seconds) }
                writer.key("scopes")
                writer.array { writer in
                    writer.object {
                        $0.field("filesystem", filesystem.description)
                        $0.field("write", write)
                    }
                }
            }
        }
        let json = try await json(call)
        return (try json.unsigned("id"), try json.string("token"))
    }

    package func tokens() async throws(FileFailure) -> [TokenReport] {
        try await json(Call(.GET, "/v1/tokens", object: "tokens")).rows("tokens") { json throws(FileFailure) in try TokenReport(json: json)
        }
    }

    package func revokeToken(_ id: UInt64) async throws(FileFailure) {
        _ = try await exchange(Call(.DELETE, "/v1/tokens/\(id)", object: "token \(id)", isRepeatable: true))
    }

    /// `?a=1&b=2` of what is not nil.
    static func query(_ pairs: [(String, String?)]) -> String {
        let parts = pairs.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
