import CSQLite
import Primitives
import Storage

/// A simulated file system as SQLite sees it (https://www.sqlite.org/vfs.html), so that the index of the chunk store meets
/// the same power failures as the packs. One connection at a time: locks always succeed, and the index of the
/// write-ahead log, which a machine never keeps, is plain memory.
final class SimulatedDatabaseSystem {
    let name: String
    fileprivate unowned let system: SimulatedFileSystem
    private let vfs: UnsafeMutablePointer<sqlite3_vfs>
    private let text: UnsafeMutablePointer<CChar>

    init(_ system: SimulatedFileSystem) {
        self.system = system
        vfs = .allocate(capacity: 1)
        name = "atoll-\(UInt(bitPattern: vfs))"
        text = .allocate(capacity: name.utf8.count + 1)
        for (place, byte) in (Array(name.utf8) + [0]).enumerated() { text[place] = CChar(bitPattern: byte) }
        var value = sqlite3_vfs()
        value.iVersion = 2
        value.szOsFile = Int32(MemoryLayout<DatabaseFileSlot>.size)
        value.mxPathname = 512
        value.zName = UnsafePointer(text)
        value.pAppData = Unmanaged.passUnretained(self).toOpaque()
        value.xOpen = { vfs, path, file, flags, outFlags in DatabaseFile.open(vfs!, path, file!, flags, outFlags) }
        value.xDelete = { vfs, path, syncs in
            let system = SimulatedDatabaseSystem.of(vfs!)
            let path = String(cString: path!)
            return DatabaseFile.code { () throws(StorageError) in
                try system.remove(path)
                if syncs != 0 { try system.syncDirectory(DatabaseFile.parent(of: path)) }
            }
        }
        value.xAccess = { vfs, path, _, out in
            out!.pointee = SimulatedDatabaseSystem.of(vfs!).exists(String(cString: path!)) ? 1 : 0
            return SQLITE_OK
        }
        value.xFullPathname = { _, path, size, out in
            copyPath(path!, size, out!)
            return SQLITE_OK
        }
        value.xRandomness = { vfs, count, out in
            let system = SimulatedDatabaseSystem.of(vfs!)
            for place in 0..<Int(count) { out![place] = CChar(truncatingIfNeeded: system.chance.next()) }
            return count
        }
        value.xSleep = { _, microseconds in microseconds }
        value.xCurrentTime = { _, out in
            out!.pointee = 2_461_041.5
            return SQLITE_OK
        }
        value.xCurrentTimeInt64 = { _, out in
            out!.pointee = 212_633_985_600_000
            return SQLITE_OK
        }
        value.xGetLastError = { _, _, _ in 0 }
        vfs.initialize(to: value)
        sqlite3_vfs_register(vfs, 0)
    }

    /// To be called once, when no database is open.
    func unregister() { sqlite3_vfs_unregister(vfs) }

    deinit {
        vfs.deallocate()
        text.deallocate()
    }

    fileprivate static func of(_ vfs: UnsafeMutablePointer<sqlite3_vfs>) -> SimulatedFileSystem {
        Unmanaged<SimulatedDatabaseSystem>.fromOpaque(vfs.pointee.pAppData).takeUnretainedValue().system
    }
}

private func copyPath(_ path: UnsafePointer<CChar>, _ size: Int32, _ out: UnsafeMutablePointer<CChar>) {
    var place = 0
    while place < Int(size) - 1, path[place] != 0 {
        out[place] = path[place]
        place += 1
    }
    out[place] = 0
}

/// What SQLite keeps of an open file.
private struct DatabaseFileSlot {
    var base: sqlite3_file
    var object: UnsafeMutableRawPointer?
}

/// A file that SQLite has open.
private final class DatabaseFile {
    private let file: any OpenFile
    private let path: String
    private let system: SimulatedFileSystem
    /// The file was made just now: its name becomes durable with its first sync, as in SQLite's own layer.
    private var syncsDirectory: Bool
    private var regions: [UnsafeMutableRawPointer] = []

    private init(_ file: any OpenFile, _ path: String, _ system: SimulatedFileSystem, syncsDirectory: Bool) {
        self.file = file
        self.path = path
        self.system = system
        self.syncsDirectory = syncsDirectory
    }

    deinit { forgetRegions() }

    private func forgetRegions() {
        for region in regions { region.deallocate() }
        regions = []
    }

    static func parent(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

    static func code(_ body: () throws(StorageError) -> Void) -> Int32 {
        do throws(StorageError) {
            try body()
            return SQLITE_OK
        } catch {
            if case .noSpace = error { return SQLITE_FULL }
            return SQLITE_IOERR
        }
    }

    static func open(
        _ vfs: UnsafeMutablePointer<sqlite3_vfs>, _ path: UnsafePointer<CChar>?, _ slot: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        slot.pointee.pMethods = nil
        guard let path else { return SQLITE_CANTOPEN }
        let name = String(cString: path)
        let system = SimulatedDatabaseSystem.of(vfs)
        let isNew = !system.exists(name)
        guard !isNew || flags & SQLITE_OPEN_CREATE != 0 else { return SQLITE_CANTOPEN }
        guard let file = try? system.open(name, isNew ? .create : .readWrite) else { return SQLITE_CANTOPEN }
        let isJournal = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL) != 0
        let object = DatabaseFile(file, name, system, syncsDirectory: isNew && isJournal)
        let place = UnsafeMutableRawPointer(slot).assumingMemoryBound(to: DatabaseFileSlot.self)
        place.pointee.object = Unmanaged.passRetained(object).toOpaque()
        slot.pointee.pMethods = UnsafePointer(methods)
        outFlags?.pointee = flags
        return SQLITE_OK
    }

    private static func of(_ slot: UnsafeMutablePointer<sqlite3_file>?) -> DatabaseFile {
        let place = UnsafeMutableRawPointer(slot!).assumingMemoryBound(to: DatabaseFileSlot.self)
        return Unmanaged<DatabaseFile>.fromOpaque(place.pointee.object!).takeUnretainedValue()
    }

    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        var value = sqlite3_io_methods()
        value.iVersion = 2
        value.xClose = { slot in
            let place = UnsafeMutableRawPointer(slot!).assumingMemoryBound(to: DatabaseFileSlot.self)
            if let object = place.pointee.object { Unmanaged<DatabaseFile>.fromOpaque(object).release() }
            place.pointee.object = nil
            return SQLITE_OK
        }
        value.xRead = { slot, out, count, offset in DatabaseFile.of(slot).read(out!, Int(count), offset) }
        value.xWrite = { slot, bytes, count, offset in
            let file = DatabaseFile.of(slot)
            return code { () throws(StorageError) in
                try file.file.write([UnsafeRawBufferPointer(start: bytes, count: Int(count))], at: UInt64(offset))
            }
        }
        value.xTruncate = { slot, size in
            let file = DatabaseFile.of(slot)
            return code { () throws(StorageError) in try file.file.truncate(to: UInt64(size)) }
        }
        value.xSync = { slot, _ in DatabaseFile.of(slot).sync() }
        value.xFileSize = { slot, out in
            let file = DatabaseFile.of(slot)
            return code { () throws(StorageError) in out!.pointee = Int64(try file.file.size()) }
        }
        value.xLock = { _, _ in SQLITE_OK }
        value.xUnlock = { _, _ in SQLITE_OK }
        value.xCheckReservedLock = { _, out in
            out!.pointee = 0
            return SQLITE_OK
        }
        value.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        value.xSectorSize = { _ in Int32(FileBytes.sector) }
        // As SQLite's own layer: a torn write harms nothing beside it.
        value.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
        value.xShmMap = { slot, number, size, extend, out in DatabaseFile.of(slot).map(Int(number), Int(size), extend != 0, out!) }
        value.xShmLock = { _, _, _, _ in SQLITE_OK }
        value.xShmBarrier = { _ in }
        value.xShmUnmap = { slot, _ in
            DatabaseFile.of(slot).forgetRegions()
            return SQLITE_OK
        }
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: value)
        return methods
    }()

    private func read(_ out: UnsafeMutableRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        let buffer = UnsafeMutableRawBufferPointer(start: out, count: count)
        guard let found = try? file.read(at: UInt64(offset), into: buffer) else { return readFailed }
        guard found < count else { return SQLITE_OK }
        UnsafeMutableRawBufferPointer(rebasing: buffer[found...]).initializeMemory(as: UInt8.self, repeating: 0)
        return readShort
    }

    private func sync() -> Int32 {
        Self.code { () throws(StorageError) in
            try file.sync()
            guard syncsDirectory else { return }
            try system.syncDirectory(Self.parent(of: path))
            syncsDirectory = false
        }
    }

    private func map(_ number: Int, _ size: Int, _ extend: Bool, _ out: UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> Int32 {
        while extend, regions.count <= number {
            let region = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
            region.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            regions.append(region)
        }
        out.pointee = regions.indices.contains(number) ? regions[number] : nil
        return SQLITE_OK
    }
}

/// SQLITE_IOERR_READ and SQLITE_IOERR_SHORT_READ: macros that Swift does not see.
private let readFailed: Int32 = SQLITE_IOERR | (1 << 8)
private let readShort: Int32 = SQLITE_IOERR | (2 << 8)
