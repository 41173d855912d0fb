import CDispatch
import Foundation
import NIOCore
import Primitives

/// What is known of a local file.
struct FileStatus: Sendable {
    let size: UInt64
    let permissions: UInt32
    let modified: WallTime
    private let type: mode_t

    init?(_ path: String, followLinks: Bool = true) {
        var status = stat()
        guard (followLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        size = UInt64(status.st_size)
        permissions = status.st_mode & 0o7777
        modified = WallTime(nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
        type = status.st_mode & S_IFMT
    }

    var isDirectory: Bool { type == S_IFDIR }
    var isFile: Bool { type == S_IFREG }
    var isLink: Bool { type == S_IFLNK }
    /// A pipe or a character device: it has bytes and no size.
    var isStream: Bool { type == S_IFIFO || type == S_IFCHR }
}

/// Reads a local file or the standard input in pieces, on a thread of its own so that a slow disk or
/// pipe blocks nobody; the reader waits while two pieces are unread.
final class LocalReader: Sendable {
    private let descriptor: Int32
    private let isOwn: Bool
    static let pieceBytes = 1 << 18

    init(descriptor: Int32) {
        self.descriptor = descriptor
        isOwn = false
    }

    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        isOwn = true
        if descriptor < 0 { return nil }
    }

    deinit { if isOwn, descriptor >= 0 { close(descriptor) } }

    struct Buffers: AsyncSequence, Sendable {
        let reader: LocalReader
        let progress: Progress

        struct AsyncIterator: AsyncIteratorProtocol {
            let reader: LocalReader
            let progress: Progress
            mutating func next() async throws -> ByteBuffer? {
                let buffer = try await reader.read()
                if let buffer { progress.add(buffer.readableBytes) }
                return buffer
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, progress: progress) }
    }

    func buffers(_ progress: Progress) -> Buffers { Buffers(reader: self, progress: progress) }

    private func read() async throws -> ByteBuffer? {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                var buffer = ByteBufferAllocator().buffer(capacity: Self.pieceBytes)
                var result = -1
                var problem: Int32 = EINTR
                while result < 0, problem == EINTR {
                    result = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceBytes) { space in
                        let count = Foundation.read(self.descriptor, space.baseAddress!, Self.pieceBytes)
                        problem = count < 0 ? errno : 0
                        result = count
                        return max(0, count)
                    }
                    if problem != 0 { result = -1 }
                }
                if result < 0 {
                    continuation.resume(throwing: CommandFailure("read", "local file", String(cString: strerror(problem))))
                } else {
                    continuation.resume(returning: result == 0 ? nil : buffer)
                }
            }
        }
    }
}
