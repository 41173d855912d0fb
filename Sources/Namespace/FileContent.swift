package import Primitives

/// The whole content of a file: bytes that are kept inline, pieces of chunks, and the size, beyond
/// which there is nothing. What neither covers is a hole.
package struct FileContent: Hashable, Sendable {
    package var inline: [UInt8]
    package var extents: [Extent]
    package var size: UInt64

    package init(inline: [UInt8] = [], extents: [Extent] = [], size: UInt64) {
        self.inline = inline
        self.extents = extents
        self.size = size
    }

    package static func inline(_ bytes: [UInt8]) -> FileContent { FileContent(inline: bytes, size: UInt64(bytes.count)) }

    package var allocated: UInt64 { extents.reduce(UInt64(inline.count)) { $0 + $1.length } }

    func validate(_ object: @autoclosure () -> String) throws(NamespaceError) {
        guard inline.count <= NamespaceLimits.inlineBytes else {
            throw NamespaceError(
                .invalid, object: object(), cause: "\(inline.count) bytes are more than the \(NamespaceLimits.inlineBytes) kept inline",
                hint: "store them as chunks")
        }
        guard size <= NamespaceLimits.fileBytes else {
            throw NamespaceError(.fileTooBig, object: object(), cause: "a file has at most \(NamespaceLimits.fileBytes) bytes")
        }
        let end = try Self.validate(extents, object())
        guard UInt64(inline.count) <= size, end <= size else {
            throw NamespaceError(.invalid, object: object(), cause: "content lies beyond the size \(size)")
        }
    }

    /// Checks that extents ascend without overlap and lie within their chunks and the largest file;
    /// returns where the last one ends.
    static func validate(_ extents: [Extent], _ object: @autoclosure () -> String) throws(NamespaceError) -> UInt64 {
        guard extents.count <= NamespaceLimits.extentsPerCommand else {
            throw NamespaceError(
                .tooBig, object: object(), cause: "\(extents.count) extents in one command, at most \(NamespaceLimits.extentsPerCommand)",
                hint: "write in parts")
        }
        var end: UInt64 = 0
        for extent in extents {
            let (stop, overflow) = extent.offset.addingReportingOverflow(extent.length)
            guard !overflow, stop <= NamespaceLimits.fileBytes else {
                throw NamespaceError(.fileTooBig, object: object(), cause: "a file has at most \(NamespaceLimits.fileBytes) bytes")
            }
            guard extent.length > 0, extent.offset >= end else {
                throw NamespaceError(.invalid, object: object(), cause: "extents must ascend, hold something and not overlap")
            }
            guard UInt64(extent.chunkOffset) + extent.length <= UInt64(extent.chunk.length) else {
                throw NamespaceError(.invalid, object: object(), cause: "an extent reaches beyond its chunk \(extent.chunk)")
            }
            end = stop
        }
        return end
    }
}

extension FileContent: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(opaque: inline)
        writer.write(extents)
        writer.write(size)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            inline: Array(try reader.opaque(limit: NamespaceLimits.inlineBytes)), extents: try reader.array(), size: try reader.uint64())
    }
}
