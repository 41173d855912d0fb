internal import Filesystem
internal import HTTPTypes
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Who asks, by its bearer token.
enum Principal: Sendable {
    /// A route that needs no token.
    case anyone
    /// The token of the node's configuration.
    case admin
    /// A token of the catalog.
    case token(AccessToken)

    /// What the catalog writes down as the author of a change.
    var label: String {
        switch self {
        case .anyone: "anyone"
        case .admin: "admin"
        case .token(let token): token.id.description
        }
    }

    var isAdmin: Bool {
        switch self {
        case .anyone: false
        case .admin: true
        case .token(let token): token.isAdmin
        }
    }

    func allows(_ record: FilesystemRecord, write: Bool) -> Bool {
        switch self {
        case .anyone: false
        case .admin: true
        case .token(let token): token.allows(record, write: write)
        }
    }

    func allows(_ environment: EnvironmentName, write: Bool) -> Bool {
        switch self {
        case .anyone: false
        case .admin: true
        case .token(let token): token.allows(environment, write: write)
        }
    }

    static func denied(_ operation: String, _ object: String) -> FileFailure {
        FileFailure(
            .permissionDenied, operation: operation, object: object, cause: "the token does not allow it",
            hint: "use a token whose scope covers it")
    }
}

/// Turns the header `Authorization: Bearer …` into a principal. Tokens are compared by their SHA-256,
/// so neither the time taken nor memory tells anything of them.
struct Authenticator: Sendable {
    let service: any NodeService
    let adminTokenHash: Digest

    /// Nil where there is no token, or one that is unknown, revoked or expired.
    func principal(of request: Request) async -> Principal? {
        guard let header = request.headers[.authorization], header.utf8.count <= 512 else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let hash = SHA256.hash(Array(parts[1].utf8))
        if hash == adminTokenHash { return .admin }
        guard let token = await service.catalog().token(secretHash: hash, at: WallTime.now()) else { return nil }
        return .token(token)
    }
}
