internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

extension FileFailure {
    /// The catalog's refusal in the words of this API.
    init(_ error: CatalogError) {
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .alreadyExists: .exists
            case .wrongKind: .wrongKind
            case .invalidName, .invalidArgument: .invalid
            case .refused, .conflict: .conflict
            case .exhausted: .quotaExceeded
            case .sessionExpired: .timedOut
            case .notBootstrapped: .unavailable
            }
        self.init(code, operation: error.operation, object: error.object, cause: error.cause, hint: error.hint)
    }
}

extension APIRoutes {
    /// Proposes a change in the name of the caller and waits until it is applied here.
    func change(_ action: CatalogAction, _ request: APIRequest) async throws(FileFailure) -> CatalogOutcome {
        let command = CatalogCommand(at: WallTime.now(), by: request.principal.label, action: action)
        let result = try await service.change(command, within: request.within)
        do throws(CatalogError) {
            return try result.get()
        } catch {
            throw FileFailure(error)
        }
    }

    /// The active file system of `{id}`, if the caller has the right.
    func record(_ request: APIRequest, write: Bool) async throws(FileFailure) -> FilesystemRecord {
        let id = try request.filesystemID()
        let record = try Self.find(.id(id), request.request.method.rawValue, in: await service.catalog())
        guard request.principal.allows(record, write: write) else {
            throw Principal.denied(request.request.method.rawValue, id.description)
        }
        return record
    }

    static func find(_ selector: FilesystemSelector, _ operation: String, in catalog: CatalogState) throws(FileFailure) -> FilesystemRecord
    {
        do throws(CatalogError) {
            return try catalog.find(selector, operation)
        } catch {
            throw FileFailure(error)
        }
    }

    /// `main`, `production` or `workspace/name`.
    static func environment(_ text: String) -> EnvironmentName {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? EnvironmentName(workspace: String(parts[0]), name: String(parts[1])) : EnvironmentName(name: text)
    }

    static func text(_ environment: EnvironmentName) -> String {
        environment.workspace == EnvironmentName.main.workspace ? environment.name : "\(environment.workspace)/\(environment.name)"
    }

    /// What is listed of an environment that there is not would be taken for an empty one.
    static func require(_ environment: EnvironmentName, in catalog: CatalogState) throws(FileFailure) {
        guard catalog.environments[environment] == nil else { return }
        throw FileFailure(
            .notFound, operation: "list", object: "environment \(environment)", cause: "there is no such environment",
            hint: "it has \(catalog.environments.keys.prefix(8).map(\.description).joined(separator: ", "))")
    }

    static func require(_ environment: EnvironmentName, write: Bool, _ request: APIRequest) throws(FileFailure) {
        guard request.principal.allows(environment, write: write) else {
            throw Principal.denied(request.request.method.rawValue, "environment \(environment)")
        }
    }
}
