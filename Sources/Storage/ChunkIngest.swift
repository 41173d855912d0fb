package import Chunks
package import Primitives

/// Stores a stream of bytes: feed it in any pieces, then `finish` for the extents of the file.
///
/// The feeding thread finds the cuts and copies each chunk into a buffer; the store's workers hash, look up,
/// compress and append; one sync at the end makes all of it durable. At most `ingestBytes` are in
/// flight: a feed that is faster than the disk waits. One thread feeds at a time.
package final class ChunkIngest: @unchecked Sendable {
    private let store: ChunkStore
    private let monitor = Monitor()
    private var chunker: Chunker
    private let bufferSize: Int
    private let bufferLimit: Int

    // Touched by the feeding thread only.
    private var current: Buffer?
    private var offset: UInt64
    private var isFinished = false

    // Guarded by the monitor.
    private var idle: [Buffer] = []
    private var buffers = 0
    private var running = 0
    private var results: [Extent?] = []
    private var ticket = StageTicket.durable
    private var failure: StorageError?
    private var newBytes: UInt64 = 0

    private final class Buffer: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
        var count = 0
        init(size: Int) { memory = .allocate(byteCount: size, alignment: 64) }
        deinit { memory.deallocate() }
        var filled: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
    }

    /// `offset` is where the stream begins in its file.
    package init(_ store: ChunkStore, policy: ChunkPolicy = .standard, offset: UInt64 = 0) {
        self.store = store
        self.offset = offset
        chunker = Chunker(policy)
        bufferSize = policy.maximumLength
        bufferLimit = max(2, store.options.ingestBytes / policy.maximumLength)
    }

    /// Takes bytes in; waits where too much is in flight. Throws what went wrong with earlier ones.
    package func feed(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        precondition(!isFinished, "an ingest that has finished takes no bytes")
        var rest = bytes
        while !rest.isEmpty {
            let buffer = try takeBuffer()
            let cut = chunker.next(in: rest)
            let taken = cut ?? rest.count
            buffer.memory.baseAddress!.advanced(by: buffer.count).copyMemory(from: rest.baseAddress!, byteCount: taken)
            buffer.count += taken
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            if cut != nil { try dispatch() }
        }
    }

    package func feed(_ bytes: [UInt8]) throws(StorageError) {
        try bytes.withBytes { buffer throws(StorageError) in try feed(buffer) }
    }

    /// The next byte lies at this offset of the file: the chunk under way ends here.
    package func seek(to offset: UInt64) throws(StorageError) {
        if chunker.finish() > 0 { try dispatch() }
        self.offset = offset
    }

    /// Stores the last chunk and waits until all are durable: the extents, in order, without gaps but
    /// those of `seek`.
    package func finish() throws(StorageError) -> [Extent] {
        let stored = try end()
        try store.sync(through: stored.ticket)
        return stored.extents
    }

    /// The same without the sync: they are durable when the store has synced through the ticket.
    package func end() throws(StorageError) -> (extents: [Extent], ticket: StageTicket) {
        precondition(!isFinished, "an ingest finishes once")
        isFinished = true
        if chunker.finish() > 0 { try dispatch() }
        monitor.lock()
        while running > 0 { monitor.wait() }
        let (failure, ticket, results) = (failure, ticket, results)
        monitor.unlock()
        if let failure { throw failure }
        return (results.map { $0! }, ticket)
    }

    /// Stops early. What was stored stays without a name until garbage collection removes it.
    package func cancel() {
        isFinished = true
        monitor.lock()
        while running > 0 { monitor.wait() }
        monitor.unlock()
    }

    /// Chunks that have been stored so far; nothing names them yet.
    package var storedChunks: [ChunkID] { monitor.withLock { results.compactMap { $0?.chunk.id } } }

    /// Raw bytes that were new to the store, so far.
    package var newByteCount: UInt64 { monitor.withLock { newBytes } }

    private func takeBuffer() throws(StorageError) -> Buffer {
        if let current { return current }
        monitor.lock()
        defer { monitor.unlock() }
        while idle.isEmpty, buffers >= bufferLimit, failure == nil { monitor.wait() }
        if let failure { throw failure }
        let buffer: Buffer
        if let reused = idle.popLast() {
            buffer = reused
        } else {
            buffer = Buffer(size: bufferSize)
            buffers += 1
        }
        current = buffer
        return buffer
    }

    /// Hands the filled buffer to a worker.
    private func dispatch() throws(StorageError) {
        guard let buffer = current else { return }
        current = nil
        monitor.lock()
        let slot = results.count
        results.append(nil)
        running += 1
        monitor.unlock()
        let start = offset
        offset += UInt64(buffer.count)
        guard store.workers.submit({ self.work(buffer, slot: slot, start: start) }) else {
            monitor.withLock { running -= 1 }
            throw .closed(path: store.directory)
        }
    }

    private func work(_ buffer: Buffer, slot: Int, start: UInt64) {
        var staged: StagedChunk?
        var problem = monitor.withLock { failure }
        if problem == nil {
            do throws(StorageError) { staged = try store.stage(buffer.filled) } catch { problem = error }
        }
        monitor.lock()
        defer { monitor.unlock() }
        if let staged {
            do throws(StorageError) {
                ticket = try ticket.merged(with: staged.ticket)
                if staged.isNew { newBytes += UInt64(buffer.count) }
                results[slot] = Extent(offset: start, length: UInt64(buffer.count), chunk: staged.reference, chunkOffset: 0)
            } catch { problem = error }
        }
        if failure == nil { failure = problem }
        buffer.count = 0
        idle.append(buffer)
        running -= 1
        monitor.broadcast()
    }
}
