import Chunks
package import Primitives
import Synchronization

/// The snapshots of a node's groups: `GROUP/INDEX-TERM.snap` files (`SnapshotFormat`). A snapshot is written to a
/// temporary file and gets its name when it is complete and durable, so what has a name is whole; what has
/// none is removed at open. Not locked: the data directory is. Calls block.
package final class SnapshotStore: Sendable {
    private let directory: String
    private let system: any FileSystem
    /// Groups whose folder is known to outlive a loss of power: that it can be seen proves nothing, its maker may have failed
    /// or ended before the directory above was synced.
    private let durable = Mutex<Set<GroupID>>([])

    package init(_ directory: String, system: any FileSystem = .posix) throws(StorageError) {
        self.directory = directory
        self.system = system
        try system.makeDirectories(directory)
        for group in try groups() {
            let folder = folder(group)
            for name in try system.names(folder) where name.hasSuffix(".tmp") {
                try system.remove(folder + "/" + name)
            }
        }
    }

    /// One that is only read: nothing is made, and nothing that was not finished is removed.
    package init(reading directory: String) {
        self.directory = directory
        system = .posix
    }

    private func folder(_ group: GroupID) -> String { "\(directory)/\(group.rawValue)" }

    package func folder(of group: GroupID) -> String { folder(group) }
    package func path(of info: SnapshotInfo) -> String { path(info.group, index: info.index, term: info.term) }

    private func path(_ group: GroupID, index: UInt64, term: UInt64) -> String { "\(folder(group))/\(index)-\(term).snap" }

    /// The groups that have a folder.
    package func groups() throws(StorageError) -> [GroupID] {
        try system.names(directory).compactMap { UInt64($0).map { GroupID($0) } }.sorted()
    }

    /// Begins a snapshot. One that was begun for the same index and term before, and not finished, is replaced.
    package func begin(_ group: GroupID, index: UInt64, term: UInt64, meta: [UInt8] = []) throws(StorageError) -> SnapshotWriter {
        guard meta.count <= SnapshotFormat.maximumMeta else {
            throw .tooLarge(what: "a snapshot's meta bytes", size: meta.count, limit: SnapshotFormat.maximumMeta)
        }
        // The directory itself is there since the store was opened. Where it has gone it is not made anew: a snapshot in
        // another place than the log that is cut behind it would be lost.
        let isThere = system.exists(folder(group))
        if !isThere { try system.makeDirectory(folder(group)) }
        if !isThere || !durable.withLock({ $0.contains(group) }) {
            try system.syncDirectory(directory)
            _ = durable.withLock { $0.insert(group) }
        }
        let target = path(group, index: index, term: term)
        let temporary = target + ".tmp"
        try system.remove(temporary)
        let file = try system.file(temporary, .create)
        return try SnapshotWriter(
            file: file, folder: folder(group), target: target,
            header: SnapshotFormat.header(group: group, index: index, term: term, meta: meta), system: system)
    }

    /// The snapshots of a group, rising by index; those whose header or trailer is destroyed are left out.
    package func list(_ group: GroupID) throws(StorageError) -> [SnapshotInfo] {
        guard system.exists(folder(group)) else { return [] }
        var found: [SnapshotInfo] = []
        for name in try system.names(folder(group)) where name.hasSuffix(".snap") {
            do throws(StorageError) {
                let info = try SnapshotFormat.info(try system.file(folder(group) + "/" + name, .read))
                if info.group == group { found.append(info) }
            } catch {
                guard case .corrupt = error else { throw error }
            }
        }
        return found.sorted { ($0.index, $0.term) < ($1.index, $1.term) }
    }

    package func latest(_ group: GroupID) throws(StorageError) -> SnapshotInfo? { try list(group).last }

    /// Of the files with a name: which are destroyed, and where. Header and trailer are looked at, and of the newest
    /// sound one all of its content.
    package func destroyed(_ group: GroupID) throws(StorageError) -> [StorageFinding] {
        guard system.exists(folder(group)) else { return [] }
        var findings: [StorageFinding] = []
        func look(_ body: () throws(StorageError) -> Void) throws(StorageError) {
            do throws(StorageError) {
                try body()
            } catch {
                guard case .corrupt(let path, let offset, let what) = error else { throw error }
                findings.append(StorageFinding(path: path, offset: offset, what: what))
            }
        }
        for name in try system.names(folder(group)) where name.hasSuffix(".snap") {
            try look { () throws(StorageError) in _ = try SnapshotFormat.info(try system.file(folder(group) + "/" + name, .read)) }
        }
        if let newest = try latest(group) { try look { () throws(StorageError) in try verify(newest) } }
        return findings
    }

    /// Gives a destroyed file another name, under which nobody takes it for a snapshot.
    package func setAside(_ finding: StorageFinding) throws(StorageError) -> String {
        let name = finding.path + ".damaged"
        try system.rename(finding.path, to: name)
        return name
    }

    /// Up to `count` bytes of the content from `offset` on; empty at its end.
    package func read(_ info: SnapshotInfo, at offset: UInt64, count: Int) throws(StorageError) -> [UInt8] {
        guard offset < info.length, count > 0 else { return [] }
        let file = try system.file(path(info.group, index: info.index, term: info.term), .read)
        let start = UInt64(SnapshotFormat.headerSize + info.meta.count) + offset
        return try file.read(at: start, count: Int(min(UInt64(count), info.length - offset)))
    }

    /// The whole content, verified.
    package func load(_ info: SnapshotInfo) throws(StorageError) -> [UInt8] {
        let bytes = try read(info, at: 0, count: Int(info.length))
        guard UInt64(bytes.count) == info.length, SHA256.hash(bytes) == info.digest else { throw destroyed(info) }
        return bytes
    }

    /// Reads the whole content piece by piece; throws `.corrupt` where it is not what was written.
    package func verify(_ info: SnapshotInfo) throws(StorageError) {
        let hash = RunningSHA256()
        var offset: UInt64 = 0
        while offset < info.length {
            let piece = try read(info, at: offset, count: 1 << 20)
            if piece.isEmpty { break }
            piece.withUnsafeBytes { hash.update($0) }
            offset += UInt64(piece.count)
        }
        guard offset == info.length, hash.finish() == info.digest else { throw destroyed(info) }
    }

    private func destroyed(_ info: SnapshotInfo) -> StorageError {
        .corrupt(
            path: path(info.group, index: info.index, term: info.term), offset: UInt64(SnapshotFormat.headerSize + info.meta.count),
            what: "the snapshot's content does not match its digest")
    }

    /// Deletes the group's snapshots before this index, and destroyed ones.
    package func deleteOlder(_ group: GroupID, than index: UInt64) throws(StorageError) {
        guard system.exists(folder(group)) else { return }
        for name in try system.names(folder(group)) where name.hasSuffix(".snap") {
            guard let found = UInt64(name.prefix { $0 != "-" }), found < index else { continue }
            try system.remove(folder(group) + "/" + name)
        }
        try system.syncDirectory(folder(group))
    }

    /// Deletes all snapshots of a group.
    package func deleteAll(_ group: GroupID) throws(StorageError) {
        guard system.exists(folder(group)) else { return }
        for name in try system.names(folder(group)) { try system.remove(folder(group) + "/" + name) }
        _ = durable.withLock { $0.remove(group) }
        system.removeEmptyDirectory(folder(group))
        try system.syncDirectory(directory)
    }
}

/// A snapshot being written, piece after piece, by one thread at a time.
package final class SnapshotWriter: @unchecked Sendable {
    private let file: File
    private let folder: String
    private let target: String
    private let system: any FileSystem
    private let contentStart: UInt64
    private let hash = RunningSHA256()
    private var isOver = false
    /// Bytes of content so far: where the next piece begins.
    package private(set) var written: UInt64 = 0

    init(file: File, folder: String, target: String, header: [UInt8], system: any FileSystem) throws(StorageError) {
        self.file = file
        self.folder = folder
        self.target = target
        self.system = system
        contentStart = UInt64(header.count)
        try file.write(header, at: 0)
    }

    deinit { abort() }

    package func write(_ bytes: [UInt8]) throws(StorageError) {
        guard !isOver else { throw .closed(path: file.path) }
        try file.write(bytes, at: contentStart + written)
        bytes.withUnsafeBytes { hash.update($0) }
        written += UInt64(bytes.count)
    }

    /// Ends the snapshot and gives it its name; durable on return. Where `expected` is given and the
    /// content is something else, it throws `.corrupt` and the snapshot is gone.
    package func finish(expecting expected: Digest? = nil) throws(StorageError) -> SnapshotInfo {
        guard !isOver else { throw .closed(path: file.path) }
        let digest = hash.finish()
        guard expected == nil || digest == expected else {
            abort()
            throw .corrupt(path: file.path, offset: contentStart, what: "the snapshot received does not match its digest")
        }
        do throws(StorageError) {
            try file.write(SnapshotFormat.trailer(length: written, digest: digest), at: contentStart + written)
            try file.sync()
            try system.rename(file.path, to: target)
            isOver = true
            try system.syncDirectory(folder)
        } catch {
            abort()
            throw error
        }
        return try SnapshotFormat.info(try system.file(target, .read))
    }

    /// Removes what was written.
    package func abort() {
        guard !isOver else { return }
        isOver = true
        try? system.remove(file.path)
    }
}
