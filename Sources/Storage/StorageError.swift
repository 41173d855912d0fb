package import Primitives

/// What the world may do to stored bytes. Each case names the operation, the object and the cause;
/// the text says what to do next.
package enum StorageError: Error, Hashable, Sendable {
    /// The disk is full, or what is left of it is reserved. Nothing was changed; reads go on.
    case noSpace(operation: String, path: String)
    /// A system call failed with `errno`.
    case io(operation: String, path: String, errno: Int32)
    /// Bytes on the disk are not what was written; nothing was changed.
    case corrupt(path: String, offset: UInt64, what: String)
    /// A chunk's bytes have decayed. It is set apart: put it again from another copy.
    case corruptChunk(ChunkID, path: String, offset: UInt64, what: String)
    case missingChunk(ChunkID)
    /// Another process (or another part of this one) has the directory open.
    case locked(path: String)
    /// Written by a newer version of this program.
    case newerFormat(path: String, found: UInt64, supported: UInt64)
    /// The directory belongs to another cluster, node or store.
    case foreign(path: String, expected: String, found: String)
    /// SQLite refused; the index can be rebuilt from the packs.
    case index(operation: String, path: String, code: Int32, message: String)
    /// Bytes that were written but not yet acknowledged are gone, because a sync failed. Put them again.
    case lostBeforeSync(path: String)
    case tooLarge(what: String, size: Int, limit: Int)
    /// The caller broke a rule; nothing was changed.
    case invalid(operation: String, what: String)
    case closed(path: String)
    /// An earlier failure left this object unusable until the process starts again.
    case failed(path: String, cause: String)

    /// Whether the same call may succeed later without anybody changing it.
    package var isRetryable: Bool {
        switch self {
        case .noSpace, .lostBeforeSync, .locked: true
        case .io, .corrupt, .corruptChunk, .missingChunk, .newerFormat, .foreign, .index, .tooLarge, .invalid, .closed, .failed: false
        }
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noSpace(let operation, let path):
            "\(operation) \(path): no space left on the device; free some space or add a disk, reads go on meanwhile"
        case .io(let operation, let path, let errno):
            "\(operation) \(path): \(SystemCall.message(errno)); check the disk and its permissions"
        case .corrupt(let path, let offset, let what):
            "\(path) at offset \(offset): \(what); run `atoll check` on the directory, or restore it from another replica"
        case .corruptChunk(let id, let path, let offset, let what):
            "chunk \(id.hex) in \(path) at offset \(offset): \(what); it is set apart until another copy of it is stored"
        case .missingChunk(let id): "chunk \(id.hex) is not in this store; fetch it from another node"
        case .locked(let path): "\(path) is in use by another process; stop that one first"
        case .newerFormat(let path, let found, let supported):
            "\(path) has format version \(found), this program knows up to \(supported); use a newer program"
        case .foreign(let path, let expected, let found):
            "\(path) belongs to \(found), not to \(expected); give the right directory, or an empty one"
        case .index(let operation, let path, let code, let message):
            "\(operation) in index \(path): \(message) (SQLite code \(code)); `atoll check store --repair` rebuilds it from the packs"
        case .lostBeforeSync(let path): "\(path): the disk failed before what was written was safe; write it again"
        case .tooLarge(let what, let size, let limit): "\(what) of \(size) bytes is too large, at most \(limit) are allowed"
        case .invalid(let operation, let what): "\(operation): \(what)"
        case .closed(let path): "\(path) is closed"
        case .failed(let path, let cause): "\(path) refuses work since an earlier failure (\(cause)); start the node again"
        }
    }
}
