package import Primitives

/// Settings of a chunk store.
///
/// | setting | unit | default | range | advice |
/// |---|---|---|---|---|
/// | packSize | bytes | 256 MiB | 4 KiB … 64 GiB | larger packs mean fewer files and longer compaction steps |
/// | compressionLevel | zstd level | 1 | 0 (off) … 19 | 1 unless the network is dearer than the processor |
/// | cacheBytes | bytes | 64 MiB | 0 … | raw chunks in memory; at most half of it for one chunk |
/// | workers | threads | 2 | 1 … 64 | threads that hash and compress ingested files |
/// | ingestBytes | bytes | 8 MiB | 2 chunks … | memory of one ingest in flight |
/// | reserveBytes | bytes | 64 MiB | 0 … | puts are refused when less is free, so that log, index and compaction can go on |
/// | fragmentationThreshold | share | 0.5 | 0 … 1 | packs with a smaller share of live bytes are compacted |
/// | hollowBytes | bytes | 4 MiB | 0 … | dead bytes from which on a fragmented pack is closed though it is being written |
/// | touchSpan | time | 450 s | 10 ms … 1 day | a quarter of the age at which unnamed chunks are swept |
package struct ChunkStoreOptions: Sendable {
    package var packSize: UInt64 = 256 << 20
    package var compressionLevel: Int32 = 1
    package var cacheBytes = 64 << 20
    package var workers = 2
    package var ingestBytes = 8 << 20
    package var reserveBytes: UInt64 = 64 << 20
    package var fragmentationThreshold = 0.5
    package var hollowBytes: UInt64 = 4 << 20
    package var touchSpan: Duration = .seconds(450)
    /// The clock by which ages are told; it never steps.
    package var now: @Sendable () -> Instant = { MonotonicClock.now }
    /// A fault built in on purpose; tests only.
    package var mutant: StorageMutant?
    package init() {}
}

/// Something that a check, a scrub or an open found wrong.
package struct StorageFinding: Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let offset: UInt64
    package let what: String
    package init(path: String, offset: UInt64, what: String) {
        self.path = path
        self.offset = offset
        self.what = what
    }
    package var description: String { "\(path) at offset \(offset): \(what)" }
}
