internal import APISchema
internal import Filesystem
internal import Foundation
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Environments, in which names are unique, and access tokens.
extension APIRoutes {
    var environments: [APIRoute] {
        [
            APIRoute(
                method: .get, path: "/v1/environments", name: "listEnvironments", about: "The environments of the cluster.",
                givesSchema: "Environments"
            ) { request in
                let records = await service.catalog().environments.values.filter { request.principal.allows($0.name, write: false) }
                return .json { writer in writer.object { $0.field("environments", records.map { EnvironmentReport($0) }) } }
            },
            APIRoute(
                method: .post, path: "/v1/environments", name: "createEnvironment", about: "Creates an environment.", access: .admin,
                takes: .json, gives: .none, takesSchema: "Name", status: 201
            ) { request in
                let json = try await request.json()
                _ = try await change(.createEnvironment(Self.environment(try json.string("name"))), request)
                return Response(status: .created)
            },
            APIRoute(
                method: .delete, path: "/v1/environments/{environment}", name: "deleteEnvironment", about: "Deletes an empty environment.",
                access: .admin, gives: .none, status: 204
            ) { request in
                _ = try await change(.deleteEnvironment(Self.environment(try request.text("environment"))), request)
                return Response(status: .noContent)
            },
        ]
    }

    var tokens: [APIRoute] {
        [
            APIRoute(
                method: .post, path: "/v1/tokens", name: "createToken",
                about: "Makes a token of limited scope. The secret is shown once; the catalog keeps its SHA-256.", access: .admin,
                takes: .json,
                takesSchema: "TokenRequest", givesSchema: "NewToken", status: 201
            ) { try await createToken($0) },
            APIRoute(
                method: .get, path: "/v1/tokens", name: "listTokens", about: "All tokens, without their secrets.", access: .admin,
                givesSchema: "Tokens"
            ) { _ in
                let tokens = await service.catalog().tokens.values
                return .json { writer in writer.object { $0.field("tokens", tokens.map { TokenReport($0) }) } }
            },
            APIRoute(
                method: .delete, path: "/v1/tokens/{token}", name: "revokeToken", about: "Ends a token.", access: .admin, gives: .none,
                status: 204
            ) { request in
                guard let id = UInt64(try request.text("token")) else { throw JSON.invalid("token", "must be the number of a token") }
                _ = try await change(.revokeToken(AccessTokenID(id)), request)
                return Response(status: .noContent)
            },
        ]
    }

    private func createToken(_ request: APIRequest) async throws -> Response {
        let json = try await request.json()
        var scopes: [AccessScope] = []
        for scope in try json.array("scopes") { scopes.append(try Self.scope(scope)) }
        var expiry: WallTime?
        if let seconds = try json.optionalUnsigned("expires_in_s") {
            guard (1...3_155_760_000).contains(seconds) else {
                throw JSON.invalid("expires_in_s", "must be 1 to 3,155,760,000 (100 years)")
            }
            expiry = WallTime(nanoseconds: WallTime.now().nanoseconds + Int64(seconds) * 1_000_000_000)
        }
        var generator = SystemRandomNumberGenerator()
        let secret = "at-" + Hex.encode((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let action = CatalogAction.createToken(
            secretHash: SHA256.hash(Array(secret.utf8)), scopes: scopes, about: try json.string("description", default: ""), expiry: expiry)
        guard case .token(let id) = try await change(action, request) else {
            throw FileFailure(.ioError, operation: "token create", object: "", cause: "the catalog gave another answer")
        }
        return .json(status: .created) { writer in
            writer.object {
                $0.field("id", id.rawValue)
                $0.field("token", secret)
            }
        }
    }

    /// `{"filesystem": ID, "write": true}`, `{"environment": NAME, "write": false}` or `{"cluster": "admin"}`.
    private static func scope(_ json: JSON) throws(FileFailure) -> AccessScope {
        if json["cluster"]?.text == "admin" { return .clusterAdmin }
        let write = try json.bool("write")
        if let text = json["filesystem"]?.text {
            guard let id = FilesystemID(text) else { throw JSON.invalid("scopes", "\"filesystem\" must be an id") }
            return .filesystem(id, write: write)
        }
        if let text = json["environment"]?.text { return .environment(environment(text), write: write) }
        throw JSON.invalid("scopes", "a scope names a filesystem, an environment or \"cluster\": \"admin\"")
    }
}

extension EnvironmentReport {
    init(_ record: EnvironmentRecord) {
        self.init(name: APIRoutes.text(record.name), created: record.created.rfc3339, createdBy: record.createdBy)
    }
}

extension TokenReport {
    init(_ token: AccessToken) {
        self.init(
            id: token.id.rawValue, about: token.about, scopes: token.scopes.map(\.description), created: token.created,
            createdBy: token.createdBy, expires: token.expiry, revoked: token.revoked)
    }
}
