// The wire forms of the identifiers: `unsigned hyper` for numbers, `string` for names.

extension NodeID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension GroupID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension InodeID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension RequestID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension VersionID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension RegionID: XDRCodable {
    /// Region names are at most this many bytes of UTF-8.
    package static let maximumLength = 64
    package func encode(to writer: inout XDRWriter) { writer.write(name) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.string(limit: Self.maximumLength)) }
}

extension FilesystemID: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(kind.rawValue)
        writer.write(high)
        writer.write(low)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let raw = try reader.uint32()
        guard let kind = FilesystemKind(rawValue: raw) else { throw .badValue(what: "kind of file system", value: UInt64(raw)) }
        self.init(kind: kind, high: try reader.uint64(), low: try reader.uint64())
    }
}

extension AppID: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(high)
        writer.write(low)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(high: try reader.uint64(), low: try reader.uint64())
    }
}

extension Digest: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(words.0)
        writer.write(words.1)
        writer.write(words.2)
        writer.write(words.3)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(words: (try reader.uint64(), try reader.uint64(), try reader.uint64(), try reader.uint64()))
    }
}

extension WallTime: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(nanoseconds) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(nanoseconds: try reader.int64()) }
}
