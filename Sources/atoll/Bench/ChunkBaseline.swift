import CZstd
import Chunks
import Foundation
import Primitives

/// What an ingest is measured against: the same steps without a store, one after the other on one
/// thread. It hashes each chunk and compresses those that it has not seen, all of them in full: the
/// store tries a sample first, which this does not do for it.
struct ChunkBaseline {
    let bytes: UnsafeRawBufferPointer
    let stop: StopFlag

    /// Chunks and hashes, and compresses where asked; the count of chunks.
    @discardableResult
    func sequential(compressing: Bool) throws -> Int {
        let level = Int32(1)
        let room = ZSTD_compressBound(ChunkPolicy.standard.maximumLength)
        let target = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 64)
        defer { target.deallocate() }
        guard let context = ZSTD_createCCtx() else { throw CommandFailure("bench chunks", "zstd", "there is no memory for it") }
        defer { ZSTD_freeCCtx(context) }
        var seen: Set<ChunkID> = []
        var chunker = Chunker(.standard)
        var rest = bytes
        var count = 0
        while !rest.isEmpty {
            try stop.check()
            let chunk = UnsafeRawBufferPointer(rebasing: rest[..<(chunker.next(in: rest) ?? rest.count)])
            rest = UnsafeRawBufferPointer(rebasing: rest[chunk.count...])
            count += 1
            guard seen.insert(SHA256.hash(chunk)).inserted, compressing else { continue }
            let size = ZSTD_compressCCtx(context, target, room, chunk.baseAddress, chunk.count, level)
            precondition(ZSTD_isError(size) == 0, "zstd compresses any bytes into their bound")
        }
        return count
    }

    /// The bytes as they are into a file, in pieces of 1 MiB, and one fdatasync: what the disk allows.
    func write(to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw LocalFiles.failure("bench chunks: write", path) }
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            try stop.check()
            let count = Foundation.write(file, bytes.baseAddress! + done, min(1 << 20, bytes.count - done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw LocalFiles.failure("bench chunks: write", path) }
            done += count
        }
        guard fdatasync(file) == 0 else { throw LocalFiles.failure("bench chunks: sync", path) }
    }
}
