import Primitives
package import Storage

/// A file system in memory that behaves as badly as POSIX allows: what was not synced is lost or torn at a power failure
/// in any combination, names are not durable before their directory is synced, a sync fails once and then seems to
/// succeed, the disk is full, bits decay. Used by one thread at a time. Everything that happens by chance is drawn
/// from the seed.
package final class SimulatedFileSystem: FileSystem, @unchecked Sendable {
    var chance: SeededGenerator
    private let root = Folder()
    private var locked: Set<String> = []
    private var database: SimulatedDatabaseSystem?
    /// Counts the runs of the machine: whatever was opened in an earlier one is dead.
    private(set) var life = 0
    /// No call does anything any more, until `restart`.
    package private(set) var isDown = false
    private var callsLeft: Int?

    /// Nothing more can be stored; what has its place already can be overwritten.
    package var isFull = false
    /// So many of the next syncs fail.
    package var failingSyncs = 0
    /// After one write in so many the system writes some dirty sectors by itself; 0: never.
    package var writebackOneIn = 4
    /// Calls made so far.
    package private(set) var calls: UInt64 = 0
    /// Told of every call, for event logs.
    var onCall: ((String) -> Void)?

    package init(seed: UInt64) {
        chance = SeededGenerator(seed: SeededGenerator.mix(seed ^ 0x6469_736B))
        database = nil
        database = SimulatedDatabaseSystem(self)
    }

    deinit { database?.unregister() }

    package var databaseSystem: String? { database?.name }

    // MARK: What goes wrong

    /// The machine stops within the call that comes after so many others.
    package func stop(after calls: Int) { callsLeft = calls }

    /// Starts the machine again, or (`losesPower` false) only the process.
    package func restart(losesPower: Bool) {
        life += 1
        isDown = false
        callsLeft = nil
        failingSyncs = 0
        locked = []
        if losesPower { root.crash(&chance) }
    }

    /// One bit of a file decays.
    package func rot(_ path: String, at offset: UInt64) {
        guard case .file(let bytes)? = entry(path) else { return }
        bytes.rot(Int(offset), bit: chance.below(8))
    }

    /// What a file holds, as programs see it.
    package func content(_ path: String) -> [UInt8]? {
        guard case .file(let bytes)? = entry(path) else { return nil }
        return bytes.cached
    }

    /// The files of a directory that are there after any power failure, by name, with the bytes that are synced; the last
    /// names first. No call of a program.
    func durableFiles(_ path: String) -> [(name: String, bytes: FileBytes)] {
        var folder = root
        for part in path.split(separator: "/") {
            guard case .folder(let next)? = folder.durable[String(part)] else { return [] }
            folder = next
        }
        return folder.durable.keys.sorted(by: >).compactMap { name in
            if case .file(let bytes)? = folder.durable[name] { (name, bytes) } else { nil }
        }
    }

    /// Every call begins here; false where the machine stops in it.
    private func begins(_ operation: @autoclosure () -> String) -> Bool {
        calls += 1
        onCall?("  \(operation())\(isDown ? " (down)" : "")")
        guard !isDown else { return false }
        guard let left = callsLeft else { return true }
        callsLeft = left - 1
        if left > 0 { return true }
        isDown = true
        return false
    }

    func check(_ operation: String, _ path: String, life: Int? = nil) throws(StorageError) {
        guard begins("\(operation) \(path)"), life ?? self.life == self.life else { throw .io(operation: operation, path: path, errno: 5) }
    }

    // MARK: Names

    private func split(_ path: String) -> (parent: Folder, name: String)? {
        var folder = root
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last else { return nil }
        for part in parts.dropLast() {
            guard case .folder(let next)? = folder.entries[part] else { return nil }
            folder = next
        }
        return (folder, name)
    }

    private func entry(_ path: String) -> Folder.Entry? {
        guard path.contains(where: { $0 != "/" }) else { return .folder(root) }
        return split(path).flatMap { $0.parent.entries[$0.name] }
    }

    package func open(_ path: String, _ mode: FileMode) throws(StorageError) -> any OpenFile {
        try check("open", path)
        guard let (parent, name) = split(path) else { throw .io(operation: "open", path: path, errno: 2) }
        switch (parent.entries[name], mode) {
        case (.file(let bytes), .read), (.file(let bytes), .readWrite): return SimulatedFile(path, bytes, self)
        case (nil, .create):
            let bytes = FileBytes()
            parent.set(name, .file(bytes))
            return SimulatedFile(path, bytes, self)
        case (.folder, _): throw .io(operation: "open", path: path, errno: 21)
        case (_, .create): throw .io(operation: "open", path: path, errno: 17)
        case (nil, _): throw .io(operation: "open", path: path, errno: 2)
        }
    }

    package func makeDirectory(_ path: String) throws(StorageError) {
        try check("make directory", path)
        guard let (parent, name) = split(path) else { return }
        guard parent.entries[name] == nil else { return }
        parent.set(name, .folder(Folder()))
    }

    package func names(_ path: String) throws(StorageError) -> [String] {
        try check("list", path)
        guard case .folder(let folder)? = entry(path) else { throw .io(operation: "list", path: path, errno: 2) }
        return folder.names
    }

    package func exists(_ path: String) -> Bool { entry(path) != nil }

    package func remove(_ path: String) throws(StorageError) {
        try check("remove", path)
        guard let (parent, name) = split(path), parent.entries[name] != nil else { return }
        parent.remove(name)
    }

    package func removeEmptyDirectory(_ path: String) {
        guard (try? check("remove", path)) != nil, let (parent, name) = split(path), case .folder(let folder)? = parent.entries[name],
            folder.names.isEmpty
        else { return }
        parent.remove(name)
    }

    /// Within one directory: the storage has no other.
    package func rename(_ from: String, to: String) throws(StorageError) {
        try check("rename", to)
        guard let (parent, old) = split(from), let entry = parent.entries[old], let (target, new) = split(to), target === parent else {
            throw .io(operation: "rename", path: to, errno: 2)
        }
        parent.move(old, to: new, entry)
    }

    package func syncDirectory(_ path: String) throws(StorageError) {
        try check("sync directory", path)
        guard case .folder(let folder)? = entry(path) else { throw .io(operation: "sync directory", path: path, errno: 2) }
        if failingSyncs > 0 {
            failingSyncs -= 1
            throw .io(operation: "sync directory", path: path, errno: 5)
        }
        folder.sync()
    }

    package func freeBytes(_ path: String) throws(StorageError) -> UInt64 { isFull ? 0 : 1 << 40 }

    package func lock(_ directory: String) throws(StorageError) -> any DirectoryHold {
        try check("lock", directory)
        guard locked.insert(directory).inserted else { throw .locked(path: directory) }
        return SimulatedHold(directory, life, self)
    }

    fileprivate func release(_ directory: String, life: Int) { if life == self.life { locked.remove(directory) } }

    // MARK: Files

    fileprivate func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64, _ bytes: FileBytes, _ path: String, _ life: Int)
        throws(StorageError)
    {
        let total = parts.reduce(0) { $0 + $1.count }
        var limit = total
        var failure: StorageError?
        let isDead = life != self.life || isDown
        if !begins("write \(path) at \(offset), \(total) bytes") || isDead {
            // The machine stops while it writes.
            limit = isDead ? 0 : chance.below(total + 1)
            failure = .io(operation: "write", path: path, errno: 5)
        } else if isFull, Int(offset) + total > bytes.cached.count {
            let room = max(0, bytes.cached.count - Int(offset))
            limit = room + chance.below(min(total - room, 4_096))
            failure = .noSpace(operation: "write", path: path)
        }
        var position = Int(offset)
        for part in parts {
            let count = min(part.count, limit)
            bytes.write(UnsafeRawBufferPointer(rebasing: part[..<count]), at: position)
            position += count
            limit -= count
        }
        if writebackOneIn > 0, chance.below(writebackOneIn) == 0 { bytes.writeSome(&chance) }
        if let failure { throw failure }
    }

    fileprivate func sync(_ bytes: FileBytes, _ path: String, _ life: Int) throws(StorageError) {
        try check("fdatasync", path, life: life)
        if failingSyncs > 0 {
            failingSyncs -= 1
            bytes.failSync(&chance)
            throw .io(operation: "fdatasync", path: path, errno: 5)
        }
        bytes.sync()
    }
}

/// A file opened in one run of the machine.
final class SimulatedFile: OpenFile, @unchecked Sendable {
    private let path: String
    private let bytes: FileBytes
    private let system: SimulatedFileSystem
    private let life: Int

    init(_ path: String, _ bytes: FileBytes, _ system: SimulatedFileSystem) {
        self.path = path
        self.bytes = bytes
        self.system = system
        life = system.life
    }

    func size() throws(StorageError) -> UInt64 {
        try system.check("stat", path, life: life)
        return UInt64(bytes.cached.count)
    }

    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try system.check("read", path, life: life)
        let start = min(Int(offset), bytes.cached.count)
        let count = min(out.count, bytes.cached.count - start)
        bytes.cached.withUnsafeBytes { source in
            if count > 0 { out.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + count])) }
        }
        return count
    }

    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        try system.write(parts, at: offset, bytes, path, life)
    }

    func sync() throws(StorageError) { try system.sync(bytes, path, life) }

    func truncate(to length: UInt64) throws(StorageError) {
        try system.check("truncate", path, life: life)
        bytes.truncate(to: Int(length))
    }

    func startWriteback(at offset: UInt64, count: Int) {}
}

final class SimulatedHold: DirectoryHold, @unchecked Sendable {
    private let directory: String
    private let life: Int
    private weak let system: SimulatedFileSystem?

    init(_ directory: String, _ life: Int, _ system: SimulatedFileSystem) {
        self.directory = directory
        self.life = life
        self.system = system
    }

    deinit { release() }

    func release() { system?.release(directory, life: life) }
}
