package import Primitives

extension CreateMode: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .open(let truncate): writer.write(UInt32(truncate ? 1 : 0))
        case .exclusive: writer.write(UInt32(2))
        case .verified(let verifier):
            writer.write(UInt32(3))
            writer.write(verifier)
        }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        switch tag {
        case 0: self = .open(truncate: false)
        case 1: self = .open(truncate: true)
        case 2: self = .exclusive
        case 3: self = .verified(try reader.uint64())
        default: throw .badValue(what: "mode of create", value: UInt64(tag))
        }
    }
}

extension TimeChange: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .now: writer.write(UInt32(0))
        case .exact(let time):
            writer.write(UInt32(1))
            writer.write(time)
        }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        switch tag {
        case 0: self = .now
        case 1: self = .exact(try reader.value())
        default: throw .badValue(what: "time to set", value: UInt64(tag))
        }
    }
}

extension AttributePatch: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(mode)
        writer.write(owner)
        writer.write(group)
        writer.write(size)
        writer.write(accessed)
        writer.write(modified)
        writer.write(ifChanged)
        writer.write(ifChangeID)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        mode = try reader.optionalUInt32()
        owner = try reader.optionalUInt32()
        group = try reader.optionalUInt32()
        size = try reader.optionalUInt64()
        accessed = try reader.optional()
        modified = try reader.optional()
        ifChanged = try reader.optional()
        ifChangeID = try reader.optionalUInt64()
    }
}

extension ExtentWrite: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(extents)
        writer.write(append)
        writer.write(newSize)
        writer.write(modified)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        extents = try reader.array(limit: NamespaceLimits.extentsPerCommand)
        append = try reader.bool()
        newSize = try reader.optionalUInt64()
        modified = try reader.optional()
    }
}

extension InlineWrite: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(offset)
        writer.write(opaque: bytes)
        writer.write(append)
        writer.write(truncate)
        writer.write(modified)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        offset = try reader.uint64()
        bytes = Array(try reader.opaque(limit: 65_536))
        append = try reader.bool()
        truncate = try reader.bool()
        modified = try reader.optional()
    }
}

extension PutFile: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(base)
        writer.write(opaque: path)
        writer.write(content)
        writer.write(mode)
        writer.write(owner)
        writer.write(group)
        writer.write(modified)
        writer.write(xattrs)
        writer.write(createParents)
        writer.write(exclusive)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        base = try reader.value()
        path = Array(try reader.opaque(limit: 65_536))
        content = try reader.value()
        mode = try reader.uint32()
        owner = try reader.optionalUInt32()
        group = try reader.optionalUInt32()
        modified = try reader.optional()
        xattrs = try reader.array(limit: NamespaceLimits.xattrs)
        createParents = try reader.bool()
        exclusive = try reader.bool()
    }
}
