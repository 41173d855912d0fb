package import Primitives

/// What two commits did to each other. The raw values are wire numbers.
package enum ConflictReason: UInt32, Sendable, Hashable, CaseIterable {
    /// Both changed the file; the later content stands.
    case bothEdited = 1
    /// The later commit removed a file that the earlier had changed; it is removed.
    case deletedAfterEdit = 2
    /// The later commit changed a file that the earlier had removed; it is back.
    case editedAfterDelete = 3
    /// Both gave the name to something; the later thing has it.
    case nameTaken = 4
    /// The later commit removed a directory that the earlier had filled; it stays.
    case directoryKept = 5
    /// The later commit put something into a directory that the earlier had removed; it is back.
    case directoryRestored = 6
    /// Both renamed it; it is where the later put it.
    case renamedTwice = 7
    /// Two renames would have put directories into each other; the later was not done.
    case directoryCycle = 8
    /// The earlier commit removed a file of which the later changed no content, and the version that
    /// had the content is no longer kept: it stays removed.
    case contentGone = 9
    /// The later commit removed a file that the earlier had renamed; it stays under its new name.
    case removedAfterRename = 10

    package var sentence: String {
        switch self {
        case .bothEdited: "changed by both; the later change stands"
        case .deletedAfterEdit: "removed after someone else changed it"
        case .editedAfterDelete: "changed after someone else removed it; it is back"
        case .nameTaken: "both gave the name to a file of their own; the later has it"
        case .directoryKept: "not removed, for someone else has put something into it"
        case .directoryRestored: "back, for something was put into it after someone else removed it"
        case .renamedTwice: "renamed by both; it is where the later put it"
        case .directoryCycle: "not moved, for someone else has moved its new parent into it"
        case .contentGone: "stays removed, for its content is no longer kept"
        case .removedAfterRename: "removed under its old name; it stays under the one that someone else gave it"
        }
    }
}

/// A conflict that a commit met, and what lost.
package struct ConflictRecord: Hashable, Sendable {
    /// Grows; 0 where nothing lost and nothing is kept.
    package var id: UInt64
    /// Of a path that is longer than 65,536 bytes the end.
    package var path: [UInt8]
    package var reason: ConflictReason
    /// The commit that met it, its time and its author.
    package var version: VersionID
    package var time: WallTime
    package var author: String
    /// The version and inode that lost. That version is kept until the conflict is resolved or goes.
    package var losing: Losing?

    package static let pathBytes = 65_536

    package struct Losing: Hashable, Sendable {
        package let version: VersionID
        package let id: InodeID
        package let inode: Inode
        package init(version: VersionID, id: InodeID, inode: Inode) {
            self.version = version
            self.id = id
            self.inode = inode
        }
    }
}

package enum ConflictResolution: Hashable, Sendable {
    /// Lets the losing version go.
    case dismiss
    /// Puts a copy of what lost at a path (nil: its own path with `.conflict-vN` added), replacing
    /// nothing, as a commit.
    case restore(path: [UInt8]?, CommitInfo)
}

/// The conflicts in which something lost and that nobody has resolved, oldest first. The oldest go
/// when there are too many: they were answered to the commit and are in the history while it lasts.
package struct ConflictLog: Sendable {
    package private(set) var records: [ConflictRecord] = []
    private(set) var lastID: UInt64 = 0

    init(records: [ConflictRecord] = [], lastID: UInt64 = 0) {
        self.records = records
        self.lastID = lastID
    }

    mutating func append(_ record: ConflictRecord, limit: UInt32) -> UInt64 {
        guard limit > 0 else { return 0 }
        lastID += 1
        var record = record
        record.id = lastID
        records.append(record)
        if records.count > Int(limit) { records.removeFirst(records.count - Int(limit)) }
        return lastID
    }

    package subscript(_ id: UInt64) -> ConflictRecord? { records.first { $0.id == id } }

    mutating func remove(_ id: UInt64) { records.removeAll { $0.id == id } }

    /// Ascending, without repetition.
    var pinnedVersions: [VersionID] {
        var pinned: [VersionID] = []
        for version in records.compactMap({ $0.losing?.version }).sorted() where pinned.last != version { pinned.append(version) }
        return pinned
    }
}

extension ConflictRecord: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(opaque: path)
        writer.write(reason.rawValue)
        writer.write(version)
        writer.write(time)
        writer.write(author)
        writer.write(losing)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        id = try reader.uint64()
        path = Array(try reader.opaque(limit: Self.pathBytes))
        reason = try reader.choice("reason of a conflict")
        version = try reader.value()
        time = try reader.value()
        author = try reader.string(limit: CommitInfo.authorBytes)
        losing = try reader.optional()
    }
}

extension ConflictRecord.Losing: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(version)
        writer.write(id)
        writer.write(inode)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(version: try reader.value(), id: try reader.value(), inode: try reader.value())
    }
}

extension ConflictResolution: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .dismiss: writer.write(UInt32(0))
        case .restore(let path, let info):
            writer.write(UInt32(1))
            writer.write(path != nil)
            if let path { writer.write(opaque: path) }
            writer.write(info)
        }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        switch tag {
        case 0: self = .dismiss
        case 1: self = .restore(path: try reader.bool() ? Array(try reader.opaque(limit: 65_536)) : nil, try reader.value())
        default: throw .badValue(what: "resolution of a conflict", value: UInt64(tag))
        }
    }
}
