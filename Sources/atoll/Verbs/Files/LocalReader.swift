import APIClient
import CDispatch
import Foundation
import NIOCore
import Primitives

/// What is known of a local file.
struct FileStatus: Sendable {
    let size: UInt64
    let permissions: UInt32
    let modified: WallTime
    /// Fewer blocks than its size wants: it may have holes.
    let isThin: Bool
    private let type: mode_t

    init?(_ path: String, followLinks: Bool = true) {
        var status = stat()
        guard (followLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        size = UInt64(status.st_size)
        permissions = status.st_mode & 0o7777
        modified = WallTime(nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
        isThin = Int64(status.st_blocks) * 512 < Int64(status.st_size)
        type = status.st_mode & S_IFMT
    }

    var isDirectory: Bool { type == S_IFDIR }
    var isFile: Bool { type == S_IFREG }
    var isLink: Bool { type == S_IFLNK }
    /// A pipe or a character device: it has bytes and no size.
    var isStream: Bool { type == S_IFIFO || type == S_IFCHR }
}

/// Reads a local file or the standard input in pieces, on a thread of its own so that a slow disk or
/// pipe blocks nobody; the reader waits while two pieces are unread. Of a sparse file the extents are
/// read alone, each behind its head (`Sparse`).
final class LocalReader: Sendable {
    private let descriptor: Int32
    private let isOwn: Bool
    private let name: String
    private let operation: String
    /// Nil where there are no holes.
    let extents: LocalExtents?
    static let pieceBytes = 1 << 18

    init(input descriptor: Int32, _ operation: String) {
        self.descriptor = descriptor
        self.operation = operation
        name = "standard input"
        isOwn = false
        extents = nil
    }

    /// Nil where it can not be opened; `errno` says why.
    init?(_ path: String, _ status: FileStatus, _ operation: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.operation = operation
        name = path
        isOwn = true
        extents = descriptor >= 0 && status.isFile && status.isThin ? LocalExtents(descriptor, size: status.size) : nil
        if descriptor < 0 { return nil }
    }

    deinit { if isOwn, descriptor >= 0 { close(descriptor) } }

    /// Bytes that `buffers` gives.
    func length(_ status: FileStatus) -> UInt64? { status.isFile ? extents?.encodedBytes ?? status.size : nil }

    struct Buffers: AsyncSequence, Sendable {
        let reader: LocalReader
        let progress: Progress

        struct AsyncIterator: AsyncIteratorProtocol {
            let reader: LocalReader
            let progress: Progress
            private var extent = 0
            /// Of the file; what lies before it has been given.
            private var offset: UInt64 = 0
            private var left: UInt64 = 0
            private var isOver = false

            init(_ reader: LocalReader, _ progress: Progress) {
                self.reader = reader
                self.progress = progress
            }

            mutating func next() async throws -> ByteBuffer? {
                guard let extents = reader.extents else {
                    let buffer = try await reader.read(LocalReader.pieceBytes, at: nil)
                    if let buffer { progress.add(buffer.readableBytes) }
                    return buffer
                }
                guard !isOver else { return nil }
                guard left > 0 else { return begin(extents) }
                guard
                    let buffer = try await reader.read(
                        left < UInt64(LocalReader.pieceBytes) ? Int(left) : LocalReader.pieceBytes, at: offset)
                else {
                    throw CommandFailure(reader.operation, reader.name, "it became shorter while it was read", hint: "store it again")
                }
                offset += UInt64(buffer.readableBytes)
                left -= UInt64(buffer.readableBytes)
                progress.add(buffer.readableBytes)
                return buffer
            }

            /// The head of the next extent, or of the end. Holes count as done.
            private mutating func begin(_ extents: LocalExtents) -> ByteBuffer {
                isOver = extent == extents.data.count
                let next = isOver ? extents.size..<extents.size : extents.data[extent]
                progress.add(Int(clamping: next.lowerBound - offset))
                (offset, left, extent) = (next.lowerBound, UInt64(next.count), extent + 1)
                return Sparse.head(offset: offset, length: left)
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader, progress) }
    }

    func buffers(_ progress: Progress) -> Buffers { Buffers(reader: self, progress: progress) }

    private func read(_ limit: Int, at offset: UInt64?) async throws -> ByteBuffer? {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                var buffer = ByteBufferAllocator().buffer(capacity: limit)
                var result = -1
                var problem: Int32 = EINTR
                while result < 0, problem == EINTR {
                    _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { space in
                        let count =
                            offset.map { pread(self.descriptor, space.baseAddress!, limit, off_t($0)) }
                            ?? Foundation.read(self.descriptor, space.baseAddress!, limit)
                        problem = count < 0 ? errno : 0
                        result = count
                        return max(0, count)
                    }
                }
                if result < 0 {
                    continuation.resume(throwing: CommandFailure(self.operation, self.name, String(cString: strerror(problem))))
                } else {
                    continuation.resume(returning: result == 0 ? nil : buffer)
                }
            }
        }
    }
}

/// Where the bytes of a local file with holes lie: SEEK_DATA and SEEK_HOLE of lseek(2).
struct LocalExtents: Sendable {
    let data: [Range<UInt64>]
    let size: UInt64

    /// A file in more pieces is stored as if it had no holes.
    private static let limit = 1 << 16

    /// Nil where there are no holes, or the file system does not tell.
    init?(_ descriptor: Int32, size: UInt64) {
        var found: [Range<UInt64>] = []
        var offset: off_t = 0
        // From <unistd.h>; Glibc's module does not show them.
        let (seekData, seekHole): (Int32, Int32) = (3, 4)
        while offset < off_t(size) {
            let begin = lseek(descriptor, offset, seekData)
            // None follows: a hole to the end.
            if begin < 0, errno == ENXIO { break }
            guard begin >= 0 else { return nil }
            let end = lseek(descriptor, begin, seekHole)
            guard end > begin, found.count < Self.limit else { return nil }
            found.append(UInt64(begin)..<min(UInt64(end), size))
            offset = end
        }
        lseek(descriptor, 0, SEEK_SET)
        found.removeAll { $0.isEmpty }
        guard found != [0..<size] else { return nil }
        data = found
        self.size = size
    }

    var encodedBytes: UInt64 { data.reduce(UInt64(Sparse.headBytes)) { $0 + UInt64(Sparse.headBytes) + UInt64($1.count) } }
}
