package import Primitives

/// The number of an access token; shown in lists and used to revoke it.
package struct AccessTokenID: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: AccessTokenID, b: AccessTokenID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "token-\(rawValue)" }
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

/// What a token allows.
package enum AccessScope: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    /// Everything, nodes and tokens included.
    case clusterAdmin
    /// One file system, to read or also to write.
    case filesystem(FilesystemID, write: Bool)
    /// All file systems and apps of an environment; `write` allows to create and delete them too.
    case environment(EnvironmentName, write: Bool)

    package var description: String {
        switch self {
        case .clusterAdmin: "cluster:admin"
        case .filesystem(let id, let write): "\(id):\(write ? "write" : "read")"
        case .environment(let name, let write): "environment \(name):\(write ? "write" : "read")"
        }
    }

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .clusterAdmin:
            writer.write(UInt32(1))
        case .filesystem(let id, let write):
            writer.write(UInt32(2))
            writer.write(id)
            writer.write(write)
        case .environment(let name, let write):
            writer.write(UInt32(3))
            writer.write(name)
            writer.write(write)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("scope of a token", in: 1...3) {
        case 1: self = .clusterAdmin
        case 2: self = .filesystem(try reader.value(), write: try reader.bool())
        default: self = .environment(try reader.value(), write: try reader.bool())
        }
    }
}

/// An access token. The secret itself is known to its holder alone; the catalog keeps its SHA-256.
package struct AccessToken: Hashable, Sendable, XDRCodable {
    package static let maximumScopes = 64
    package static let maximumDescription = 256

    package let id: AccessTokenID
    package let secretHash: Digest
    package let scopes: [AccessScope]
    package let about: String
    package let created: WallTime
    package let createdBy: String
    /// Nil: until revoked.
    package let expiry: WallTime?
    package var revoked: WallTime?

    package func isValid(at time: WallTime) -> Bool { revoked == nil && expiry.map { time < $0 } ?? true }

    /// Whether a scope covers the whole cluster.
    package var isAdmin: Bool { scopes.contains(.clusterAdmin) }

    package func allows(_ filesystem: FilesystemRecord, write: Bool) -> Bool {
        scopes.contains { scope in
            switch scope {
            case .clusterAdmin: true
            case .filesystem(let id, let mayWrite): id == filesystem.id && (mayWrite || !write)
            case .environment(let name, let mayWrite): name == filesystem.environment && (mayWrite || !write)
            }
        }
    }

    package func allows(_ environment: EnvironmentName, write: Bool) -> Bool {
        scopes.contains { scope in
            switch scope {
            case .clusterAdmin: true
            case .filesystem: false
            case .environment(let name, let mayWrite): name == environment && (mayWrite || !write)
            }
        }
    }

    package init(
        id: AccessTokenID, secretHash: Digest, scopes: [AccessScope], about: String, created: WallTime, createdBy: String,
        expiry: WallTime?, revoked: WallTime?
    ) {
        self.id = id
        self.secretHash = secretHash
        self.scopes = scopes
        self.about = about
        self.created = created
        self.createdBy = createdBy
        self.expiry = expiry
        self.revoked = revoked
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(secretHash)
        writer.write(scopes)
        writer.write(about)
        writer.write(created)
        writer.write(createdBy)
        writer.write(expiry)
        writer.write(revoked)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            id: try reader.value(), secretHash: try reader.value(), scopes: try reader.array(limit: Self.maximumScopes),
            about: try reader.string(limit: Self.maximumDescription), created: try reader.value(),
            createdBy: try reader.string(limit: CatalogCommand.principalLimit), expiry: try reader.optional(),
            revoked: try reader.optional())
    }
}
