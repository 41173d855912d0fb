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
    /// A chunk in its stored form, verified like any other.
    package func getStored(_ id: ChunkID) throws(StorageError) -> StoredChunk {
        for _ in 0..<4 {
            let raw = try load(id)
            guard let location = try locate(id), let file = try files.reader(location.pack) else { continue }
            let reference = ChunkReference(id: id, length: UInt32(raw.count))
            guard location.codec == .zstd else { return StoredChunk(reference: reference, codec: .stored, payload: raw) }
            let start = location.offset + UInt64(ChunkFrame.headerSize)
            let payload = try file.read(at: start, count: Int(location.storedLength))
            return StoredChunk(reference: reference, codec: .zstd, payload: payload)
        }
        throw .missingChunk(id)
    }

    /// Takes in a chunk that another node had stored. Throws `.invalid` where it is not the chunk that it claims to be.
    package func stage(_ chunk: StoredChunk) throws(StorageError) -> StagedChunk {
        let length = Int(chunk.reference.length)
        guard length <= ChunkPolicy.largestChunk else {
            throw .tooLarge(what: "a chunk", size: length, limit: ChunkPolicy.largestChunk)
        }
        if let ticket = try known(chunk.reference.id) { return StagedChunk(reference: chunk.reference, ticket: ticket, isNew: false) }
        guard chunk.payload.count <= length, hash(of: chunk) == chunk.reference.id else {
            throw .invalid(operation: "put of a received chunk", what: "the bytes are not those of chunk \(chunk.reference.id.hex)")
        }
        let (ticket, isNew) = try chunk.payload.withBytes { payload throws(StorageError) in
            try append(id: chunk.reference.id, codec: chunk.codec, rawLength: length, payload: payload)
        }
        return StagedChunk(reference: chunk.reference, ticket: ticket, isNew: isNew)
    }

    /// Takes in a batch with one sync; durable on return. `readable` is called before the sync, when all of them can be
    /// read. Where it throws, some of them may have been stored.
    package func put(_ batch: [StoredChunk], readable: () -> Void = {}) throws(StorageError) {
        var last = StageTicket.durable
        // All tickets count, not the last one alone: that may be of a chunk which was there already.
        for chunk in batch { last = try last.merged(with: try stage(chunk).ticket) }
        readable()
        try sync(through: last)
    }

    /// The hash of the raw bytes; nil where they do not decompress to the length claimed.
    private func hash(of chunk: StoredChunk) -> ChunkID? {
        let length = Int(chunk.reference.length)
        guard chunk.codec == .zstd else { return chunk.payload.count == length ? SHA256.hash(chunk.payload) : nil }
        let compressor = compressors.borrow()
        defer { compressors.giveBack(compressor) }
        var raw = [UInt8](repeating: 0, count: length)
        let isSound = chunk.payload.withUnsafeBytes { payload in raw.withUnsafeMutableBytes { compressor.decompress(payload, into: $0) } }
        return isSound ? SHA256.hash(raw) : nil
    }
}
