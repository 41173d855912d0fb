import CZstd
import Chunks

/// zstd with its contexts kept for reuse. Every thread borrows one; there are never more than threads that
/// compress at the same time.
final class CompressorPool: @unchecked Sendable {
    private let monitor = Monitor()
    private var idle: [Compressor] = []
    let level: Int32

    init(level: Int32) { self.level = level }

    func borrow() -> Compressor {
        monitor.withLock { idle.popLast() } ?? Compressor(level: level)
    }

    func giveBack(_ compressor: Compressor) {
        monitor.withLock { if idle.count < 16 { idle.append(compressor) } }
    }
}

/// One thread's compressor and decompressor, with the buffer that they fill.
final class Compressor {
    /// Chunks whose sample shrinks by less than this share are stored as they are.
    private static let worthwhile = 16
    private static let sampleSize = 16 << 10
    private static let sampleSlices = 4

    private let encoder: OpaquePointer
    private let decoder: OpaquePointer
    private let level: Int32
    private var buffer: UnsafeMutableRawBufferPointer

    init(level: Int32) {
        guard let encoder = ZSTD_createCCtx(), let decoder = ZSTD_createDCtx() else { preconditionFailure("no memory for zstd") }
        self.encoder = encoder
        self.decoder = decoder
        self.level = level
        buffer = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit {
        ZSTD_freeCCtx(encoder)
        ZSTD_freeDCtx(decoder)
        buffer.deallocate()
    }

    private func reserve(_ count: Int) {
        guard buffer.count < count else { return }
        buffer.deallocate()
        buffer = .allocate(byteCount: count, alignment: 16)
    }

    /// The compressed bytes, valid until the next call; nil where the chunk does not shrink by a
    /// sixteenth. Long chunks are tried on four slices, 16 KiB together, first: what does not compress
    /// is not compressed twice.
    func compress(_ raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard level != 0, raw.count >= 64 else { return nil }
        if raw.count > 4 * Self.sampleSize, !sampleShrinks(raw) { return nil }
        let limit = raw.count - raw.count / Self.worthwhile
        reserve(limit)
        let size = ZSTD_compressCCtx(encoder, buffer.baseAddress, limit, raw.baseAddress, raw.count, level)
        guard ZSTD_isError(size) == 0 else { return nil }
        return UnsafeRawBufferPointer(rebasing: buffer[..<size])
    }

    private func sampleShrinks(_ raw: UnsafeRawBufferPointer) -> Bool {
        let slice = Self.sampleSize / Self.sampleSlices
        let bound = ZSTD_compressBound(Self.sampleSize)
        reserve(Self.sampleSize + bound)
        let stride = (raw.count - slice) / (Self.sampleSlices - 1)
        for index in 0..<Self.sampleSlices {
            buffer.baseAddress!.advanced(by: index * slice).copyMemory(from: raw.baseAddress! + index * stride, byteCount: slice)
        }
        let size = ZSTD_compressCCtx(encoder, buffer.baseAddress! + Self.sampleSize, bound, buffer.baseAddress, Self.sampleSize, level)
        return ZSTD_isError(size) == 0 && size <= Self.sampleSize - Self.sampleSize / Self.worthwhile
    }

    /// Whether `stored` decompresses to exactly the bytes that fill `out`.
    func decompress(_ stored: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) -> Bool {
        let size = ZSTD_decompressDCtx(decoder, out.baseAddress, out.count, stored.baseAddress, stored.count)
        return ZSTD_isError(size) == 0 && size == out.count
    }
}
