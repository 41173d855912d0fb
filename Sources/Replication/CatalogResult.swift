package import Primitives

/// What a command did.
package enum CatalogOutcome: Hashable, Sendable {
    case done
    case node(NodeRecord)
    /// `created` is false where it existed already.
    case filesystem(FilesystemRecord, created: Bool)
    case app(AppRecord)
    /// Apps that ended, and the file systems that end with them.
    case ended(apps: [AppID], filesystems: [FilesystemID])
    case token(AccessTokenID)
}

/// The result of a command: the same bytes on every replica.
package enum CatalogResult: Hashable, Sendable {
    case success(CatalogOutcome)
    case failure(CatalogError)

    package func get() throws(CatalogError) -> CatalogOutcome {
        switch self {
        case .success(let outcome): return outcome
        case .failure(let error): throw error
        }
    }

    /// The file system of the outcome, or the error.
    package func filesystem() throws(CatalogError) -> FilesystemRecord {
        guard case .filesystem(let record, _) = try get() else { preconditionFailure("no file system in \(self)") }
        return record
    }
}

extension CatalogResult: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .failure(let error):
            writer.write(UInt32(0))
            writer.write(error)
        case .success(.done): writer.write(UInt32(1))
        case .success(.node(let node)):
            writer.write(UInt32(2))
            writer.write(node)
        case .success(.filesystem(let record, let created)):
            writer.write(UInt32(3))
            writer.write(record)
            writer.write(created)
        case .success(.app(let app)):
            writer.write(UInt32(4))
            writer.write(app)
        case .success(.ended(let apps, let filesystems)):
            writer.write(UInt32(5))
            writer.write(apps)
            writer.write(filesystems)
        case .success(.token(let id)):
            writer.write(UInt32(6))
            writer.write(id)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("catalog result", in: 0...6) {
        case 0: self = .failure(try reader.value())
        case 1: self = .success(.done)
        case 2: self = .success(.node(try reader.value()))
        case 3: self = .success(.filesystem(try reader.value(), created: try reader.bool()))
        case 4: self = .success(.app(try reader.value()))
        case 5: self = .success(.ended(apps: try reader.array(), filesystems: try reader.array()))
        default: self = .success(.token(try reader.value()))
        }
    }
}
