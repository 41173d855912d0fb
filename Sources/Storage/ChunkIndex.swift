import Chunks
import Primitives

/// Where a chunk's frame lies.
struct ChunkLocation: Hashable, Sendable {
    var pack: UInt64
    var offset: UInt64
    var storedLength: UInt32
    var rawLength: UInt32
    var codec: ChunkCodec

    init(pack: UInt64, entry: PackEntry) {
        self.pack = pack
        offset = entry.offset
        storedLength = entry.storedLength
        rawLength = entry.rawLength
        codec = entry.codec
    }

    init(pack: UInt64, offset: UInt64, storedLength: UInt32, rawLength: UInt32, codec: ChunkCodec) {
        self.pack = pack
        self.offset = offset
        self.storedLength = storedLength
        self.rawLength = rawLength
        self.codec = codec
    }

    var frameSize: Int { ChunkFrame.frameSize(storedLength: Int(storedLength)) }
    var end: UInt64 { offset + UInt64(frameSize) }
    func isSame(as other: ChunkLocation) -> Bool { pack == other.pack && offset == other.offset }
}

/// What the index knows of a pack.
struct PackRow: Hashable, Sendable {
    var number: UInt64
    var isSealed: Bool
    /// Bytes of the pack that the index covers; what lies behind is scanned at open.
    var length: UInt64
    var liveBytes: UInt64
    var liveChunks: Int
    var liveRaw: UInt64
}

/// The index in SQLite: `chunk -> pack, offset, lengths, codec`, and the live bytes of each pack.
///
/// It is a cache of what the packs say and may lag behind them: with `synchronous = NORMAL` a power
/// failure loses its last transactions, never its consistency. Each transaction that adds a pack's rows
/// also moves the pack's `length`, so the packs' tails beyond it are scanned again at the next open.
/// Forgotten deletions bring chunks back to life; the next garbage collection deletes them again.
final class ChunkIndex: @unchecked Sendable {
    static let version = 1

    let monitor = Monitor()
    let database: SQLiteDatabase
    let select: SQLiteStatement
    let insert: SQLiteStatement
    let remove: SQLiteStatement
    let move: SQLiteStatement
    let count: SQLiteStatement
    let isolate: SQLiteStatement
    let release: SQLiteStatement
    private let isolated: SQLiteStatement
    private let page: SQLiteStatement

    private static let schema = """
        CREATE TABLE IF NOT EXISTS chunks (id BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL,
            stored INTEGER NOT NULL, raw INTEGER NOT NULL, codec INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY, sealed INTEGER NOT NULL DEFAULT 0, length INTEGER NOT NULL DEFAULT 0,
            live_bytes INTEGER NOT NULL DEFAULT 0, live_chunks INTEGER NOT NULL DEFAULT 0, live_raw INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE IF NOT EXISTS quarantine (id BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS store (high INTEGER NOT NULL, low INTEGER NOT NULL);
        """

    init(_ path: String, system: any FileSystem) throws(StorageError) {
        let database = try SQLiteDatabase(path, system: system.databaseSystem)
        try database.execute("PRAGMA journal_mode=WAL")
        try database.execute("PRAGMA synchronous=NORMAL")
        try database.execute("PRAGMA cache_size=-16384")
        try database.execute("PRAGMA busy_timeout=2000")
        let version = try database.prepare("PRAGMA user_version")
        _ = try version.step()
        let found = version.integer(0)
        version.reset()
        guard found <= Self.version else { throw .newerFormat(path: path, found: UInt64(found), supported: UInt64(Self.version)) }
        try database.execute(Self.schema)
        try database.execute("PRAGMA user_version=\(Self.version)")
        self.database = database
        select = try database.prepare("SELECT pack, offset, stored, raw, codec FROM chunks WHERE id = ?1")
        insert = try database.prepare("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO NOTHING")
        remove = try database.prepare("DELETE FROM chunks WHERE id = ?1 RETURNING pack, offset, stored, raw, codec")
        move = try database.prepare("UPDATE chunks SET pack = ?2, offset = ?3 WHERE id = ?1 AND pack = ?4 AND offset = ?5")
        count = try database.prepare(
            """
            INSERT INTO packs (number, length, live_bytes, live_chunks, live_raw) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT(number) DO UPDATE SET length = max(length, excluded.length), live_bytes = live_bytes + excluded.live_bytes,
                live_chunks = live_chunks + excluded.live_chunks, live_raw = live_raw + excluded.live_raw
            """)
        isolate = try database.prepare("INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3)")
        release = try database.prepare("DELETE FROM quarantine WHERE id = ?1")
        isolated = try database.prepare("SELECT pack, offset FROM quarantine WHERE id = ?1")
        page = try database.prepare("SELECT id, pack, offset, stored, raw, codec FROM chunks WHERE id > ?1 ORDER BY id LIMIT ?2")
    }

    func location(_ row: SQLiteStatement, from column: Int32 = 0) -> ChunkLocation {
        ChunkLocation(
            pack: row.unsigned(column), offset: row.unsigned(column + 1), storedLength: UInt32(clamping: row.integer(column + 2)),
            rawLength: UInt32(clamping: row.integer(column + 3)),
            codec: ChunkCodec(rawValue: UInt8(clamping: row.integer(column + 4))) ?? .stored)
    }

    // MARK: Looking up

    func lookup(_ id: ChunkID) throws(StorageError) -> ChunkLocation? {
        monitor.lock()
        defer { monitor.unlock() }
        select.bind(1, id)
        defer { select.reset() }
        return try select.step() ? location(select) : nil
    }

    func lookup(_ ids: [ChunkID]) throws(StorageError) -> [ChunkLocation?] {
        monitor.lock()
        defer { monitor.unlock() }
        var found: [ChunkLocation?] = []
        found.reserveCapacity(ids.count)
        for id in ids {
            select.bind(1, id)
            defer { select.reset() }
            found.append(try select.step() ? location(select) : nil)
        }
        return found
    }

    /// Where a chunk that was set apart lies.
    func quarantined(_ id: ChunkID) throws(StorageError) -> (pack: UInt64, offset: UInt64)? {
        monitor.lock()
        defer { monitor.unlock() }
        isolated.bind(1, id)
        defer { isolated.reset() }
        return try isolated.step() ? (isolated.unsigned(0), isolated.unsigned(1)) : nil
    }

    func quarantinedChunks(limit: Int) throws(StorageError) -> [ChunkID] {
        monitor.lock()
        defer { monitor.unlock() }
        let rows = try database.prepare("SELECT id FROM quarantine ORDER BY id LIMIT ?1")
        rows.bind(1, limit)
        var ids: [ChunkID] = []
        while try rows.step() { if let id = rows.digest(0) { ids.append(id) } }
        return ids
    }

    /// Rows in the order of their ids.
    func rows(after: ChunkID?, limit: Int) throws(StorageError) -> [(id: ChunkID, location: ChunkLocation)] {
        monitor.lock()
        defer { monitor.unlock() }
        var found: [(id: ChunkID, location: ChunkLocation)] = []
        let statement: SQLiteStatement
        if let after {
            statement = page
            statement.bind(1, after)
            statement.bind(2, limit)
        } else {
            statement = try database.prepare("SELECT id, pack, offset, stored, raw, codec FROM chunks ORDER BY id LIMIT ?1")
            statement.bind(1, limit)
        }
        defer { statement.reset() }
        while try statement.step() {
            guard let id = statement.digest(0) else {
                throw .corrupt(path: database.path, offset: 0, what: "a row of the index has no chunk id")
            }
            found.append((id, location(statement, from: 1)))
        }
        return found
    }

    func packs() throws(StorageError) -> [PackRow] {
        monitor.lock()
        defer { monitor.unlock() }
        let rows = try database.prepare("SELECT number, sealed, length, live_bytes, live_chunks, live_raw FROM packs ORDER BY number")
        var found: [PackRow] = []
        while try rows.step() {
            found.append(
                PackRow(
                    number: rows.unsigned(0), isSealed: rows.integer(1) != 0, length: rows.unsigned(2), liveBytes: rows.unsigned(3),
                    liveChunks: rows.integer(4), liveRaw: rows.unsigned(5)))
        }
        return found
    }

    func quarantineCount() throws(StorageError) -> Int {
        monitor.lock()
        defer { monitor.unlock() }
        let row = try database.prepare("SELECT count(*) FROM quarantine")
        return try row.step() ? row.integer(0) : 0
    }

    // MARK: Identity

    /// The id of the store that the index describes; set at the first call.
    func bind(storeHigh: UInt64, storeLow: UInt64) throws(StorageError) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        let row = try database.prepare("SELECT high, low FROM store")
        if try row.step() { return row.unsigned(0) == storeHigh && row.unsigned(1) == storeLow }
        let insert = try database.prepare("INSERT INTO store VALUES (?1, ?2)")
        insert.bind(1, storeHigh)
        insert.bind(2, storeLow)
        try insert.run()
        return true
    }

    /// SQLite's own check; nil where it is sound.
    func integrityProblem() throws(StorageError) -> String? {
        monitor.lock()
        defer { monitor.unlock() }
        let row = try database.prepare("SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'")
        guard try row.step() else { return nil }
        return row.integer(0) == 0 ? nil : "the index fails SQLite's quick_check"
    }
}
