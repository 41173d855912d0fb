import Primitives

/// Reads a snapshot piece by piece. It believes nothing: what comes out has the digest that the
/// writer stated, or nothing comes out. Memory is bounded by what the pieces hold.
package struct SnapshotDecoder {
    /// No piece is larger.
    package static let pieceBytes = 1 << 20

    private var pieces = 0
    private var header: (settings: NamespaceSettings, nextInode: UInt64, lastChange: UInt64, lastConflict: UInt64, isSession: Bool)?
    private var builder = NamespaceTree.Records.Builder()
    private var statistics = NamespaceStatistics()
    private var live: NamespaceTree?
    private var references = ReferenceTable()
    private var conflicts: [ConflictRecord] = []
    /// Newest first; the last one's tree is still being changed into what it was.
    private var versions: [VersionRecord] = []
    private var tree: NamespaceTree?
    private var expected: NamespaceDigest?

    package init() {}

    package mutating func consume(_ piece: [UInt8]) throws(SnapshotError) {
        defer { pieces += 1 }
        guard piece.count <= Self.pieceBytes else { throw fault("\(piece.count) bytes, at most \(Self.pieceBytes)") }
        do throws(XDRError) {
            var reader = XDRReader(piece)
            guard try reader.uint32() == SnapshotItem.magic else { throw .badValue(what: "start of a piece", value: 0) }
            let version = try reader.uint32()
            guard version == SnapshotItem.formatVersion else { throw .badValue(what: "version of the format", value: UInt64(version)) }
            let number = try reader.uint32()
            guard number == UInt32(pieces) else { throw .badValue(what: "piece that comes next", value: UInt64(number)) }
            while reader.remaining > 0 { try item(&reader) }
        } catch { throw fault("\(error)") }
    }

    /// The state, once every piece was consumed.
    package consuming func finish() throws(SnapshotError) -> NamespaceState {
        guard let header, let expected, let live, !versions.isEmpty else { throw fault("the snapshot ends too early") }
        var history = VersionHistory()
        for version in versions.reversed() {
            guard history.versions.last.map({ $0.id < version.id }) ?? true else { throw fault("versions out of order") }
            history.append(version)
        }
        var state = NamespaceState(
            tree: live, settings: header.settings, nextInode: header.nextInode, lastChange: header.lastChange, history: history,
            isSession: header.isSession)
        state.references = references
        state.conflictLog = ConflictLog(records: conflicts, lastID: header.lastConflict)
        let actual = state.namespaceDigest
        guard actual == expected else { throw fault("the digest is \(actual), and should be \(expected)") }
        return state
    }

    private func fault(_ cause: String) -> SnapshotError { SnapshotError(piece: pieces, cause: cause) }

    private mutating func item(_ reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        guard let item = SnapshotItem(rawValue: tag), (item == .header) == (header == nil), expected == nil else {
            throw .badValue(what: "item that may come here", value: UInt64(tag))
        }
        if item != .header, item != .record, live == nil { live = NamespaceTree(records: builder.finish(), statistics: statistics) }
        switch item {
        case .header:
            let settings = try reader.value(NamespaceSettings.self)
            header = (settings, try reader.uint64(), try reader.uint64(), try reader.uint64(), try reader.bool())
            builder = NamespaceTree.Records.Builder(salt: settings.salt)
        case .record:
            let key = try reader.value(NamespaceKey.self)
            let record = try reader.value(NamespaceRecord.self)
            guard live == nil, builder.append(key, record) else { throw .badValue(what: "record in order", value: key.inode) }
            if case .attributes(let inode) = record { statistics.add(inode) }
        case .reference:
            let key = try reader.value(ReferenceKey.self)
            references.add(InodeID(key.first), key.second, times: try reader.uint32())
        case .conflict: conflicts.append(try reader.value())
        case .version: try version(&reader)
        case .delta: try delta(&reader)
        case .end:
            try closeVersion()
            expected = try reader.value()
        }
    }

    private mutating func version(_ reader: inout XDRReader) throws(XDRError) {
        try closeVersion()
        // The tree starts as that of the next newer version.
        guard let newer = versions.last?.tree ?? live else { throw .badValue(what: "version before the tree", value: 0) }
        tree = newer
        versions.append(
            VersionRecord(
                id: try reader.value(), time: try reader.value(), info: try reader.value(), digest: try reader.value(),
                filesChanged: try reader.uint64(), bytesAdded: try reader.uint64(), tree: newer))
    }

    private mutating func delta(_ reader: inout XDRReader) throws(XDRError) {
        let key = try reader.value(NamespaceKey.self)
        let record = try reader.optional(NamespaceRecord.self)
        guard tree != nil else { throw .badValue(what: "delta after a version", value: key.inode) }
        let old = record.map { tree!.records.updateValue($0, forKey: key) } ?? tree!.records.removeValue(forKey: key)
        if case .attributes(let inode)? = old { tree!.statistics.remove(inode) }
        if case .attributes(let inode)? = record { tree!.statistics.add(inode) }
    }

    private mutating func closeVersion() throws(XDRError) {
        guard let done = tree, let version = versions.popLast() else { return }
        guard done.digest == version.digest else { throw .badValue(what: "tree of a version", value: version.id.rawValue) }
        versions.append(
            VersionRecord(
                id: version.id, time: version.time, info: version.info, digest: version.digest, filesChanged: version.filesChanged,
                bytesAdded: version.bytesAdded, tree: done))
        tree = nil
    }
}
