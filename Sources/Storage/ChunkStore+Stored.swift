package import Chunks
package import Primitives

/// A chunk as it lies in a pack, compressed where that helped: the form in which it travels to another
/// node, so that a chunk is compressed once in its life.
package struct StoredChunk: Hashable, Sendable, XDRCodable {
    package let reference: ChunkReference
    package let codec: ChunkCodec
    package var payload: [UInt8]

    package init(reference: ChunkReference, codec: ChunkCodec, payload: [UInt8]) {
        self.reference = reference
        self.codec = codec
        self.payload = payload
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(reference)
        writer.write(UInt32(codec.rawValue))
        writer.write(opaque: payload)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        reference = try reader.value()
        let raw = try reader.uint32()
        guard raw <= 255, let codec = ChunkCodec(rawValue: UInt8(raw)) else { throw .badValue(what: "chunk codec", value: UInt64(raw)) }
        self.codec = codec
        payload = Array(try reader.opaque(limit: ChunkPolicy.largestChunk))
    }
}

extension ChunkStore {
    /// A chunk in its stored form, proved: compressed bytes by the checksum of their frame, as whoever takes them in proves
    /// the name after decompressing; others by their name.
    package func getStored(_ id: ChunkID) throws(StorageError) -> StoredChunk {
        for _ in 0..<4 {
            guard let location = try locate(id), location.codec == .zstd, options.mutant != .packChecksumIgnored else { break }
            guard let file = try files.reader(location.pack) else { continue }
            let bytes = try file.read(at: location.offset, count: ChunkFrame.headerSize + Int(location.storedLength))
            guard let frame = bytes.withUnsafeBytes({ try? ChunkFrame(verifying: $0) }), frame.id == id else { break }
            let reference = ChunkReference(id: id, length: frame.rawLength)
            return StoredChunk(reference: reference, codec: .zstd, payload: Array(bytes[ChunkFrame.headerSize...]))
        }
        // Not compressed, not there, or decayed: then it is set apart.
        let raw = try load(id)
        return StoredChunk(reference: ChunkReference(id: id, length: UInt32(raw.count)), codec: .stored, payload: raw)
    }

    /// Takes in a chunk that another node had stored. Throws `.invalid` where it is not the chunk that it claims to be.
    package func stage(_ chunk: StoredChunk) throws(StorageError) -> StagedChunk {
        if let ticket = try known(chunk.reference.id) { return StagedChunk(reference: chunk.reference, ticket: ticket, isNew: false) }
        _ = try proved(chunk)
        return try stage(proved: chunk)
    }

    private func stage(proved chunk: StoredChunk) throws(StorageError) -> StagedChunk {
        let (ticket, isNew) = try chunk.payload.withBytes { payload throws(StorageError) in
            try append(id: chunk.reference.id, codec: chunk.codec, rawLength: Int(chunk.reference.length), payload: payload)
        }
        return StagedChunk(reference: chunk.reference, ticket: ticket, isNew: isNew)
    }

    /// Takes in a batch with one sync; durable on return. Where it throws, some of them may have been stored.
    package func put(_ batch: [StoredChunk]) throws(StorageError) {
        var last = StageTicket.durable
        // All tickets count, not the last one alone: that may be of a chunk which was there already.
        for chunk in batch { last = try last.merged(with: try stage(chunk).ticket) }
        try sync(through: last)
    }

    /// As `put`, of chunks that somebody waits to read: their bytes stay in the cache, and `readable` is called as soon as
    /// `get` gives all of them, which is before they are written where the cache holds them. It is not called where they
    /// are not what they claim to be. Where it throws after that, what the cache holds is still right.
    package func putForReaders(_ batch: [StoredChunk], readable: () -> Void) throws(StorageError) {
        var isHeld = true
        for chunk in batch {
            let raw = try proved(chunk)
            if !cache.put(chunk.reference.id, raw) { isHeld = false }
        }
        if isHeld { readable() }
        var last = StageTicket.durable
        for chunk in batch { last = try last.merged(with: try stage(proved: chunk).ticket) }
        if !isHeld { readable() }
        try sync(through: last)
    }

    /// The raw bytes of a chunk that came from elsewhere, proved by its name.
    private func proved(_ chunk: StoredChunk) throws(StorageError) -> [UInt8] {
        let length = Int(chunk.reference.length)
        guard length <= ChunkPolicy.largestChunk else {
            throw .tooLarge(what: "a chunk", size: length, limit: ChunkPolicy.largestChunk)
        }
        guard chunk.payload.count <= length, let raw = raw(of: chunk), SHA256.hash(raw) == chunk.reference.id else {
            throw .invalid(operation: "put of a received chunk", what: "the bytes are not those of chunk \(chunk.reference.id.hex)")
        }
        return raw
    }

    /// Nil where the bytes do not decompress to the length claimed.
    private func raw(of chunk: StoredChunk) -> [UInt8]? {
        let length = Int(chunk.reference.length)
        guard chunk.codec == .zstd else { return chunk.payload.count == length ? chunk.payload : nil }
        let compressor = compressors.borrow()
        defer { compressors.giveBack(compressor) }
        let raw = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            let out = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<length]))
            count = chunk.payload.withUnsafeBytes { compressor.decompress($0, into: out) } ? length : 0
        }
        return raw.count == length ? raw : nil
    }
}
