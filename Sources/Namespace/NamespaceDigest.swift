package import Primitives

/// What a file system is, in 64 bytes.
package struct NamespaceDigest: Hashable, Sendable, CustomStringConvertible {
    /// Of the live tree as users see it: independent of its history.
    package let tree: Digest
    /// Of everything that replicas must agree on: the tree with its counters and times, references,
    /// versions, conflicts and settings.
    package let state: Digest
    package init(tree: Digest, state: Digest) {
        self.tree = tree
        self.state = state
    }
    package var description: String { "\(tree)/\(state)" }
}

extension NamespaceDigest: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(tree)
        writer.write(state)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(tree: try reader.value(), state: try reader.value())
    }
}

extension NamespaceState {
    /// Costs what changed since it was asked for last, and 200 bytes of hashing for each version kept.
    package var namespaceDigest: NamespaceDigest {
        var writer = XDRWriter()
        Self.write(tree.records.digest, to: &writer)
        writer.write(tree.statistics)
        writer.write(settings)
        writer.write(nextInode)
        writer.write(lastChange)
        Self.write(references.byInode.digest, to: &writer)
        for version in history.versions {
            version.encodeHeader(to: &writer)
            Self.write(version.tree.records.digest, to: &writer)
        }
        writer.write(conflictLog.lastID)
        writer.write(conflictLog.records)
        return NamespaceDigest(tree: tree.digest, state: SHA256.hash(writer.bytes))
    }

    private static func write(_ digest: SortedMapDigest, to writer: inout XDRWriter) {
        writer.write(digest.content)
        writer.write(digest.volatile)
    }
}

extension VersionRecord {
    func encodeHeader(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(time)
        writer.write(info)
        writer.write(digest)
        writer.write(filesChanged)
        writer.write(bytesAdded)
    }
}
