internal import APISchema
internal import Filesystem
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// File systems as things of the catalog: create, list, look up, rename, delete.
extension APIRoutes {
    var filesystems: [APIRoute] {
        [
            APIRoute(
                method: .post, path: "/v1/filesystems", name: "createFilesystem",
                about: "Creates a file system, or returns the one of that name (mode create_if_missing).", takes: .json,
                takesSchema: "FilesystemRequest", givesSchema: "Filesystem", status: 201
            ) { try await createFilesystem($0) },
            APIRoute(
                method: .post, path: "/v1/filesystems/{id}/clones", name: "cloneFilesystem",
                about:
                    "Makes a file system, of either kind, with the content of this one (of a volume's past version, where one is named). No content is copied but to where the new one wants it.",
                takes: .json, takesSchema: "CloneRequest", givesSchema: "Filesystem", status: 201
            ) { try await cloneFilesystem($0) },
            APIRoute(
                method: .get, path: "/v1/filesystems", name: "listFilesystems",
                about: "The file systems that the token may see, newest first.",
                query: [
                    .init(name: "kind", type: "string", about: "nfs or volume"),
                    .init(name: "environment", type: "string", about: "only of this environment"),
                    .init(
                        name: "name", type: "string",
                        about: "only the one of this name (environment main unless given); 404 where there is none"),
                ],
                givesSchema: "Filesystems"
            ) { try await listFilesystems($0) },
            APIRoute(
                method: .get, path: "/v1/filesystems/{id}", name: "getFilesystem", about: "One file system.", givesSchema: "Filesystem"
            ) { .json(FilesystemReport(try await record($0, write: false))) },
            APIRoute(
                method: .patch, path: "/v1/filesystems/{id}", name: "renameFilesystem", about: "Gives it another name.", takes: .json,
                takesSchema: "Rename", givesSchema: "Filesystem"
            ) { request in
                let json = try await request.json()
                let record = try await record(request, write: true)
                try Self.require(record.environment, write: true, request)
                let outcome = try await change(.renameFilesystem(.id(record.id), to: try json.string("name")), request)
                guard case .filesystem(let renamed, _) = outcome else {
                    return .json(FilesystemReport(try await self.record(request, write: true)))
                }
                return .json(FilesystemReport(renamed))
            },
            APIRoute(
                method: .delete, path: "/v1/filesystems/{id}", name: "deleteFilesystem",
                about: "Deletes it with all its data. Its name is free at once, and its sessions fail with stale.", gives: .none,
                status: 204
            ) { request in
                let record = try await record(request, write: true)
                try Self.require(record.environment, write: true, request)
                _ = try await change(.deleteFilesystem(.id(record.id), allowMissing: false), request)
                return Response(status: .noContent)
            },
        ]
    }

    private func createFilesystem(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        guard let kind = FilesystemKind.allCases.first(where: { $0.word == json["kind"]?.text }) else {
            throw JSON.invalid("kind", "must be nfs or volume")
        }
        let (record, created) = try await makeFilesystem(kind, json, origin: nil, request)
        var report = FilesystemReport(record)
        report.wasCreated = created
        return .json(status: created ? .created : .ok, report)
    }

    private func cloneFilesystem(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        let source = try await record(request, write: false)
        let version = try json.optionalUnsigned("version").map(VersionID.init)
        guard version == nil || source.kind == .volume else { throw JSON.invalid("version", "a network file system has no versions") }
        var kind = source.kind
        if json["kind"] != nil {
            guard let named = FilesystemKind.allCases.first(where: { $0.word == json["kind"]?.text }) else {
                throw JSON.invalid("kind", "must be nfs or volume")
            }
            kind = named
        }
        _ = try json.string("name")
        guard json["mode"] == nil else { throw JSON.invalid("mode", "a clone is a new file system") }
        // What cannot be cloned is told before anything is made.
        let session = try await service.openSession(
            source.id, options: SessionOptions(readOnly: true, version: version), within: request.within)
        do {
            let (made, _) = try await makeFilesystem(kind, json, origin: source.id, request)
            do {
                _ = try await service.perform(
                    .clone(into: made.id, version: version), session: session, payload: nil, within: max(request.within, .seconds(600)))
            } catch {
                _ = try? await change(.deleteFilesystem(.id(made.id), allowMissing: true), request)
                throw error
            }
            await service.closeSession(session)
            var report = FilesystemReport(made)
            report.wasCreated = true
            return .json(status: .created, report)
        } catch {
            await service.closeSession(session)
            throw error
        }
    }

    /// Creates what the request describes, or finds it.
    private func makeFilesystem(_ kind: FilesystemKind, _ json: JSON, origin: FilesystemID?, _ request: APIRequest) async throws -> (
        record: FilesystemRecord, created: Bool
    ) {
        let environment = Self.environment(try json.string("environment", default: "main"))
        try Self.require(environment, write: true, request)
        let name: String? = json["name"] == nil ? nil : try json.string("name")
        let mode = try Self.creationMode(json)
        let catalog = await service.catalog()
        let status = await service.status()
        var generator = SystemRandomNumberGenerator()
        let (high, low) = (generator.next(), generator.next())
        let region = RegionID(try json.string("region", default: status.region.name))
        let policy = try Self.policy(kind, json)
        let plan = try PlanFilesystem.plan(
            kind, name: name ?? "", home: region, policy: policy, group: GroupID(high ^ low), table: PlanFilesystem.table(catalog, status))
        var options = FilesystemOptions()
        if origin == nil { options.version = try json.small("version", default: options.version) }
        options.backgroundCommitSeconds = try json.small("background_commit_s", default: options.backgroundCommitSeconds)
        options.keptVersions = try json.small("kept_versions", default: options.keptVersions)
        options.quotaBytes = try json.unsigned("quota_bytes", default: options.quotaBytes)
        options.origin = origin
        let wanted = FilesystemRequest(
            kind: kind, name: name, environment: environment, mode: mode, high: high, low: low, region: region, policy: policy, plan: plan,
            options: options,
            expectedVersion: origin == nil ? try json.small("version", default: 0) : 0)
        guard case .filesystem(let record, let created) = try await change(.createFilesystem(wanted), request) else {
            throw FileFailure(.ioError, operation: "\(kind.word) create", object: name ?? "", cause: "the catalog gave another answer")
        }
        return (record, created)
    }

    private static func creationMode(_ json: JSON) throws(FileFailure) -> CreationMode {
        switch try json.string("mode", default: "create_fail_if_exists") {
        case "create_fail_if_exists": return .createFailIfExists
        case "create_if_missing": return .createIfMissing
        case "ephemeral":
            guard let owner = AppID(try json.string("owner")) else { throw JSON.invalid("owner", "must be the id of an app") }
            return .ephemeral(owner: owner)
        default: throw JSON.invalid("mode", "must be create_fail_if_exists, create_if_missing or ephemeral")
        }
    }

    private static func policy(_ kind: FilesystemKind, _ json: JSON) throws(FileFailure) -> ReplicationPolicy {
        var policy = ReplicationPolicy.standard(kind)
        policy.replicasPerRegion = try json.small("replicas_per_region", default: policy.replicasPerRegion)
        policy.voterRegions = try json.small("voter_regions", default: policy.voterRegions)
        policy.copiesPerRegion = try json.small("copies_per_region", default: policy.copiesPerRegion)
        switch try json.string("durability", default: "") {
        case "": break
        case "region": policy.durability = .region
        case "majority": policy.durability = .majority
        case "all": policy.durability = .all
        case "bounded":
            let seconds = json["max_lag_s"] == nil ? nil : try json.real("max_lag_s")
            guard seconds.map({ (0.1...86_400).contains($0) }) ?? true else { throw JSON.invalid("max_lag_s", "must be 0.1 to 86400") }
            let bytes = try json.optionalUnsigned("max_lag_bytes")
            guard seconds != nil || bytes != nil else {
                throw JSON.invalid("durability", "bounded needs max_lag_s or max_lag_bytes")
            }
            policy.durability = .bounded(lag: seconds.map { .milliseconds(Int64(($0 * 1_000).rounded())) }, bytes: bytes)
            return policy
        default: throw JSON.invalid("durability", "must be region, majority, all or bounded")
        }
        guard json["max_lag_s"] == nil, json["max_lag_bytes"] == nil else {
            throw JSON.invalid("max_lag_s", "and max_lag_bytes are for durability bounded")
        }
        return policy
    }

    private func listFilesystems(_ request: APIRequest) async throws -> Response {
        let kind: FilesystemKind?
        switch try request.argument("kind") {
        case nil, "": kind = nil
        case let word?:
            guard let found = FilesystemKind.allCases.first(where: { $0.word == word }) else {
                throw JSON.invalid("kind", "must be nfs or volume")
            }
            kind = found
        }
        let environment = try request.argument("environment").map(Self.environment)
        let catalog = await service.catalog()
        if let name = try request.argument("name") {
            let record = try Self.find(FilesystemSelector.name(name, kind, environment ?? .main), "look up", in: catalog)
            guard request.principal.allows(record, write: false) else { throw Principal.denied("look up", record.label) }
            return Self.list([record])
        }
        if let environment { try Self.require(environment, in: catalog) }
        return Self.list(catalog.filesystems(of: kind, in: environment).filter { request.principal.allows($0, write: false) })
    }

    private static func list(_ records: [FilesystemRecord]) -> Response {
        .json { writer in writer.object { $0.field("filesystems", records.map { FilesystemReport($0) }) } }
    }
}

extension FilesystemReport {
    init(_ record: FilesystemRecord) {
        let regions = record.plan.regions.map(\.name).joined(separator: ", ")
        self.init(
            id: record.id, name: record.name, environment: APIRoutes.text(record.environment), region: record.region,
            location: record.kind == .nfs ? record.region.name : regions,
            durability: record.kind == .nfs ? record.plan.statement : "\(record.policy.durability): \(record.plan.statement)",
            created: record.created, createdBy: record.createdBy, owner: record.owner, group: record.group,
            voters: record.plan.voters.map(\.node), learners: record.plan.learners.map(\.node))
    }
}
