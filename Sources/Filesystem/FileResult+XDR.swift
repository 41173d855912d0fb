package import Primitives

extension FileAttributes: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(inode)
        writer.write(type.rawValue)
        writer.write(mode)
        writer.write(links)
        writer.write(owner)
        writer.write(group)
        writer.write(size)
        writer.write(accessed)
        writer.write(modified)
        writer.write(changed)
        writer.write(changeID)
        writer.write(allocated)
        writer.write(device)
        writer.write(parent)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let inode: InodeID = try reader.value()
        self.init(
            inode: inode, type: try reader.fileType(), mode: try reader.uint32(), links: try reader.uint32(), owner: try reader.uint32(),
            group: try reader.uint32(), size: try reader.uint64(), accessed: try reader.value(), modified: try reader.value(),
            changed: try reader.value(), changeID: try reader.uint64(), allocated: try reader.uint64(), device: try reader.uint64())
        parent = try reader.value()
    }
}

extension FileEntry: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(opaque: name)
        writer.write(attributes)
        writer.write(cookie)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(name: try reader.name(), attributes: try reader.value(), cookie: try reader.uint64())
    }
}

extension FilesystemStatistics: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(files)
        writer.write(directories)
        writer.write(bytes)
        writer.write(maximumBytes != nil)
        if let maximumBytes { writer.write(maximumBytes) }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            files: try reader.uint64(), directories: try reader.uint64(), bytes: try reader.uint64(),
            maximumBytes: try reader.bool() ? try reader.uint64() : nil)
    }
}

extension FileFailure: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(code.rawValue)
        for text in [operation, object, cause, hint] { writer.write(text) }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let raw = try reader.uint32()
        guard let code = Code(rawValue: raw) else { throw .badValue(what: "failure", value: UInt64(raw)) }
        self.init(
            code, operation: try reader.string(), object: try reader.string(), cause: try reader.string(), hint: try reader.string())
    }
}

extension FileResult: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .done: writer.write(UInt32(0))
        case .attributes(let attributes):
            writer.write(UInt32(1))
            writer.write(attributes)
        case .entries(let entries, let next):
            writer.write(UInt32(2))
            writer.write(entries)
            writer.write(next != nil)
            if let next { writer.write(next) }
        case .data(let length, let endOfFile):
            writer.write(UInt32(3))
            writer.write(length)
            writer.write(endOfFile)
        case .bytes(let bytes):
            writer.write(UInt32(4))
            writer.write(opaque: bytes)
        case .names(let names):
            writer.write(UInt32(5))
            writer.write(UInt32(names.count))
            for name in names { writer.write(opaque: name) }
        case .statistics(let statistics):
            writer.write(UInt32(6))
            writer.write(statistics)
        case .failed(let failure):
            writer.write(UInt32(7))
            writer.write(failure)
        case .position(let offset):
            writer.write(UInt32(9))
            writer.write(offset)
        case .client(let reply):
            writer.write(UInt32(10))
            writer.write(reply)
        case .lock(let lock):
            writer.write(UInt32(8))
            writer.write(lock != nil)
            if let lock {
                writer.write(lock.range)
                writer.write(lock.exclusive)
            }
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 0: self = .done
        case 1: self = .attributes(try reader.value())
        case 2:
            let entries: [FileEntry] = try reader.array(limit: 10_000)
            self = .entries(entries, nextCookie: try reader.bool() ? try reader.uint64() : nil)
        case 3: self = .data(length: try reader.uint32(), endOfFile: try reader.bool())
        case 4: self = .bytes(try reader.name(limit: 1 << 20))
        case 5:
            var names: [[UInt8]] = []
            for _ in 0..<(try reader.count(limit: 65_536)) { names.append(try reader.name()) }
            self = .names(names)
        case 6: self = .statistics(try reader.value())
        case 7: self = .failed(try reader.value())
        case 8: self = .lock(try reader.bool() ? RangeLock(range: try reader.value(), exclusive: try reader.bool()) : nil)
        case 9: self = .position(try reader.uint64())
        case 10: self = .client(try reader.value())
        case let other: throw .badValue(what: "file result", value: UInt64(other))
        }
    }
}

extension XDRReader {
    mutating func fileType() throws(XDRError) -> FileType {
        let raw = try uint32()
        guard let type = FileType(rawValue: raw) else { throw .badValue(what: "file type", value: UInt64(raw)) }
        return type
    }
}
