import CSQLite
import Chunks
import Primitives

/// A thin wrapper around the C API of SQLite: one connection, used by one thread at a time (its owner holds a lock).
final class SQLiteDatabase {
    let path: String
    private let handle: OpaquePointer
    /// Called once, when the database or its disk turns out to be damaged.
    var onDamage: (() -> Void)?

    /// `system` names the file system, as SQLite knows it; nil: the default one.
    init(_ path: String, system: String? = nil) throws(StorageError) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &handle, flags, system)
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
            sqlite3_close_v2(handle)
            throw Self.error("open", path, code, message)
        }
        self.handle = handle
        self.path = path
    }

    deinit { sqlite3_close_v2(handle) }

    /// Its files are about to be replaced by others of the same names: closing it later must not remove a write-ahead log
    /// by its name, which the last connection does otherwise (sqlite.org/c3ref/c_fcntl_begin_atomic_write.html, PERSIST_WAL).
    func abandon() {
        var keeps: Int32 = 1
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keeps)
    }

    private static func error(_ operation: String, _ path: String, _ code: Int32, _ message: String) -> StorageError {
        code & 0xFF == SQLITE_FULL
            ? .noSpace(operation: operation, path: path) : .index(operation: operation, path: path, code: code, message: message)
    }

    func error(_ operation: String, _ code: Int32) -> StorageError {
        let message = String(cString: sqlite3_errmsg(handle))
        if [SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xFF), let tell = onDamage {
            onDamage = nil
            tell()
        }
        return Self.error(operation, path, code, message)
    }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(StorageError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(sql.prefix { $0 != "\n" && $0 != "(" }.description, code) }
    }

    func prepare(_ sql: String) throws(StorageError) -> SQLiteStatement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error("prepare", code) }
        return SQLiteStatement(statement, of: self)
    }

    /// Rows changed by the last statement.
    var changes: Int { Int(sqlite3_changes(handle)) }

    /// Runs `body` in one transaction, which is rolled back where it throws.
    func transaction<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
        try execute("BEGIN IMMEDIATE")
        do throws(StorageError) {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // A full disk may have rolled back already; then this one fails, as it should.
            _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            throw error
        }
    }

    /// Whether the code means that the file is no sound database.
    static func meansDestroyed(_ error: StorageError) -> Bool {
        guard case .index(_, _, let code, _) = error else { return false }
        return code & 0xFF == SQLITE_CORRUPT || code & 0xFF == SQLITE_NOTADB || code & 0xFF == SQLITE_ERROR || code & 0xFF == SQLITE_SCHEMA
    }
}

/// A prepared statement. Bind, step, read columns, reset.
final class SQLiteStatement {
    private let statement: OpaquePointer
    private unowned let database: SQLiteDatabase
    /// SQLITE_TRANSIENT: SQLite copies what is bound.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ statement: OpaquePointer, of database: SQLiteDatabase) {
        self.statement = statement
        self.database = database
    }

    deinit { sqlite3_finalize(statement) }

    func bind(_ position: Int32, _ value: Int) { sqlite3_bind_int64(statement, position, Int64(value)) }
    func bind(_ position: Int32, _ value: UInt64) { sqlite3_bind_int64(statement, position, Int64(bitPattern: value)) }
    func bind(_ position: Int32, _ id: ChunkID) {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
            buffer.put(id, at: 0)
            _ = sqlite3_bind_blob(statement, position, buffer.baseAddress, 32, Self.copied)
        }
    }

    /// True where there is a row.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let failure = database.error("step", code)
            sqlite3_reset(statement)
            throw failure
        }
    }

    /// Runs a statement that returns nothing.
    func run() throws(StorageError) {
        _ = try step()
        sqlite3_reset(statement)
    }

    func reset() { sqlite3_reset(statement) }

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(statement, column)) }
    func unsigned(_ column: Int32) -> UInt64 { UInt64(bitPattern: sqlite3_column_int64(statement, column)) }
    /// Nil where the column holds no 32 bytes.
    func digest(_ column: Int32) -> ChunkID? {
        guard sqlite3_column_bytes(statement, column) == 32, let blob = sqlite3_column_blob(statement, column) else { return nil }
        return UnsafeRawBufferPointer(start: blob, count: 32).digest(at: 0)
    }
}
