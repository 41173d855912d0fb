/// A chunk's name and raw length: what the control plane knows of content.
package struct ChunkReference: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package let id: ChunkID
    /// Raw (uncompressed) bytes, at most 64 MiB.
    package let length: UInt32
    package init(id: ChunkID, length: UInt32) {
        self.id = id
        self.length = length
    }
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(length)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(id: try reader.value(), length: try reader.uint32())
    }
    package var description: String { "\(id)+\(length)" }
}

/// Part of a stored file: `length` bytes at `offset` of the file are the bytes from `chunkOffset`
/// of `chunk`. Where no extent covers an offset the file has a hole, read as zeros.
package struct Extent: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package var offset: UInt64
    package var length: UInt64
    package var chunk: ChunkReference
    package var chunkOffset: UInt32
    package init(offset: UInt64, length: UInt64, chunk: ChunkReference, chunkOffset: UInt32) {
        self.offset = offset
        self.length = length
        self.chunk = chunk
        self.chunkOffset = chunkOffset
    }
    package var end: UInt64 { offset + length }
    package func encode(to writer: inout XDRWriter) {
        writer.write(offset)
        writer.write(length)
        writer.write(chunk)
        writer.write(chunkOffset)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(offset: try reader.uint64(), length: try reader.uint64(), chunk: try reader.value(), chunkOffset: try reader.uint32())
    }
    package var description: String { "[\(offset)..<\(end)]=\(chunk)@\(chunkOffset)" }
}
