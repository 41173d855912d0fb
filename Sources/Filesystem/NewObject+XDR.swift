package import Primitives

extension NewObject: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch form {
        case .file: writer.write(UInt32(1))
        case .directory: writer.write(UInt32(2))
        case .symlink(let target):
            writer.write(UInt32(3))
            writer.write(opaque: target)
        case .node(let type, let device):
            writer.write(UInt32(4))
            writer.write(type.rawValue)
            writer.write(device)
        }
        writer.write(mode)
        writer.write(owner)
        writer.write(group)
        writer.write(verifier)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let form: Form
        switch try reader.uint32() {
        case 1: form = .file
        case 2: form = .directory
        case 3: form = .symlink(target: try reader.name())
        case 4: form = .node(try reader.fileType(), device: try reader.uint64())
        case let other: throw .badValue(what: "form of an object", value: UInt64(other))
        }
        self.init(
            form, mode: try reader.uint32(), owner: try reader.uint32(), group: try reader.uint32(), verifier: try reader.uint64())
    }
}

extension XDRReader {
    mutating func xattrRule() throws(XDRError) -> XattrRule {
        let raw = try uint32()
        guard let rule = XattrRule(rawValue: raw) else { throw .badValue(what: "rule of an extended attribute", value: UInt64(raw)) }
        return rule
    }
}
