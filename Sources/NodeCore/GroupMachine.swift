import Filesystem
import Namespace
package import Primitives
package import Replication

/// The state machine of a group: the catalog's, or a file system's.
package struct GroupMachine: Sendable {
    package internal(set) var catalog = CatalogState()
    package internal(set) var files: FilesMachine?

    /// The catalog's.
    package init() {}
    package init(files record: FilesystemRecord) { files = FilesMachine(record) }

    package var filesystem: FilesystemID? { files?.filesystem }
    /// Parts of large commits are on their way.
    var hasUploads: Bool { files.map { !$0.uploads.isEmpty } ?? false }

    /// Equal on replicas that have applied the same entries.
    package var digest: Digest { files?.namespace.namespaceDigest.state ?? catalog.digest }

    mutating func apply(_ payload: [UInt8], index: UInt64, adopting: inout [ChunkReference]) -> [UInt8] {
        if files != nil { return files!.apply(payload, index: index, adopting: &adopting) }
        do {
            return catalog.apply(try CatalogCommand(xdr: payload), index: index).xdrBytes
        } catch {
            return CatalogResult.failure(
                CatalogError(
                    .invalidArgument, "apply", "log entry \(index)", "\(error)",
                    hint: "a newer version of the program wrote it; bring this node up to date")
            ).xdrBytes
        }
    }
}
