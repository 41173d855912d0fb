package import Filesystem
internal import Primitives

extension FileOperation {
    package init(json: JSON) throws(FileFailure) {
        let word = try json.string("op")
        switch word {
        case "stat": self = .stat(path: try json.path("path"), followLinks: try json.bool("follow_links", default: true))
        case "list":
            self = .list(path: try json.path("path"), cookie: try json.cookie(), limit: try json.limit(default: 1_000, maximum: 10_000))
        case "open": self = .open(path: try json.path("path"), mode: try OpenMode(json: json))
        case "read":
            let length = try json.small("length")
            guard length <= APILimits.windowBytes else { throw JSON.invalid("length", "at most 4 MiB a read") }
            self = .read(handle: try json.handle(), offset: try json.unsigned("offset"), length: length)
        case "write": self = .write(handle: try json.handle(), offset: try json.unsigned("offset", default: .max))
        case "flush": self = .flush(handle: try json.handle())
        case "test_lock":
            self = .testLock(
                handle: try json.handle(), range: try LockRange(json: json), exclusive: try json.bool("exclusive", default: true))
        case "sync": self = .sync(handle: try json.handle())
        case "close": self = .close(handle: try json.handle(), abandon: try json.bool("abandon"))
        case "lock":
            self = .lock(
                handle: try json.handle(), range: try LockRange(json: json), exclusive: try json.bool("exclusive", default: true),
                wait: try json.bool("wait"))
        case "unlock": self = .unlock(handle: try json.handle(), range: try LockRange(json: json))
        case "commit": self = .commit(try CommitOptions(json: json))
        case "reload": self = .reload(try ReloadMode(json: json), discard: try json.bool("discard"))
        case "session_status": self = .sessionStatus
        case "statistics": self = .statistics
        case "history": self = .history(limit: try json.limit(default: 100, maximum: 10_000))
        case "diff":
            self = .diff(
                from: VersionID(try json.unsigned("from")), to: VersionID(try json.unsigned("to")),
                limit: try json.limit(default: 10_000, maximum: 100_000))
        case "rollback": self = .rollback(to: VersionID(try json.unsigned("to")))
        case "conflicts": self = .conflicts(limit: try json.limit(default: 100, maximum: 10_000))
        case "resolve_conflict": self = .resolveConflict(index: try json.unsigned("index"))
        case "clone": throw JSON.invalid("op", "a clone is made by POST /v1/filesystems/{id}/clones")
        default: self = try Self.onPaths(word, json)
        }
    }

    private static func onPaths(_ word: String, _ json: JSON) throws(FileFailure) -> FileOperation {
        switch word {
        case "make_directory":
            return .makeDirectory(
                path: try json.path("path"), mode: try json.permissions(default: 0o755), parents: try json.bool("parents"))
        case "remove": return .remove(path: try json.path("path"), recursive: try json.bool("recursive"))
        case "rename":
            return .rename(from: try json.path("from"), to: try json.path("to"), noReplace: try json.bool("no_replace"))
        case "exchange": return .exchange(try json.path("from"), try json.path("to"))
        case "make_node":
            guard let type = FileType(word: try json.string("type")) else { throw JSON.invalid("type", "is no type of file") }
            return .makeNode(
                path: try json.path("path"), mode: try json.permissions(default: 0o644), type: type,
                device: try json.unsigned("device", default: 0))
        case "zero_range":
            return .zeroRange(
                path: try json.path("path"), offset: try json.unsigned("offset"), length: try json.unsigned("length"),
                extend: try json.bool("extend"))
        case "link": return .link(existing: try json.path("existing"), new: try json.path("new"))
        case "symlink": return .symlink(target: try json.bytes("target"), path: try json.path("path"))
        case "read_link": return .readLink(path: try json.path("path"))
        case "set_attributes":
            return .setAttributes(path: try json.path("path"), changes: try AttributeChanges(json: json))
        case "copy": return .copy(from: try json.path("from"), to: try json.path("to"), recursive: try json.bool("recursive"))
        case "get_xattr": return .getXattr(path: try json.path("path"), name: try json.bytes("name"))
        case "set_xattr":
            return .setXattr(
                path: try json.path("path"), name: try json.bytes("name"), value: try json.bytes("value"), rule: try json.xattrRule())
        case "make": return .make(path: try json.path("path"), try NewObject(json: json))
        case "seek":
            return .seek(path: try json.path("path"), offset: try json.unsigned("offset"), hole: try json.bool("hole"))
        case "remove_xattr": return .removeXattr(path: try json.path("path"), name: try json.bytes("name"))
        case "list_xattrs": return .listXattrs(path: try json.path("path"))
        default: throw JSON.invalid("op", "there is no operation \"\(word.prefix(64))\"")
        }
    }
}

extension JSON {
    fileprivate func handle() throws(FileFailure) -> HandleID { HandleID(try identifier("handle")) }
    fileprivate func cookie() throws(FileFailure) -> UInt64 { self["cookie"] == nil ? 0 : try identifier("cookie") }

    fileprivate func limit(default fallback: UInt32, maximum: UInt32) throws(FileFailure) -> UInt32 {
        let limit = try small("limit", default: fallback)
        guard limit >= 1, limit <= maximum else { throw JSON.invalid("limit", "must be 1 to \(maximum)") }
        return limit
    }

    fileprivate func permissions(default fallback: UInt32) throws(FileFailure) -> UInt32 {
        let value = try small("permissions", default: fallback)
        guard value <= 0o7777 else { throw JSON.invalid("permissions", "must be at most 4095 (octal 7777)") }
        return value
    }
}

extension JSON {
    fileprivate func xattrRule() throws(FileFailure) -> XattrRule {
        switch try string("only", default: "") {
        case "": return .either
        case "create": return .create
        case "replace": return .replace
        default: throw Self.invalid("only", "must be create or replace; without it either is done")
        }
    }
}

extension NewObject {
    fileprivate init(json: JSON) throws(FileFailure) {
        guard let type = FileType(word: try json.string("type")) else { throw JSON.invalid("type", "is no type of file") }
        let form: Form
        switch type {
        case .file: form = .file
        case .directory: form = .directory
        case .symlink: form = .symlink(target: try json.bytes("target"))
        case .fifo, .socket, .characterDevice, .blockDevice: form = .node(type, device: try json.unsigned("device", default: 0))
        }
        self.init(
            form, mode: try json.permissions(default: type == .directory ? 0o755 : 0o644), owner: try json.small("owner", default: 0),
            group: try json.small("group", default: 0), verifier: json["verifier"] == nil ? 0 : try json.identifier("verifier"))
    }
}

extension OpenMode {
    fileprivate init(json: JSON) throws(FileFailure) {
        switch try json.string("mode", default: "read") {
        case "read": self = .read
        case "write": self = .write
        case "create":
            self = .create(
                mode: try json.permissions(default: 0o644), exclusive: try json.bool("exclusive"), truncate: try json.bool("truncate"))
        case "replace":
            self = .replace(mode: try json.permissions(default: 0o644), refuseExisting: try json.bool("refuse_existing"))
        default: throw JSON.invalid("mode", "must be read, write, create or replace")
        }
    }
}

extension LockRange {
    fileprivate init(json: JSON) throws(FileFailure) {
        self.init(start: try json.unsigned("start", default: 0), length: try json.unsigned("length", default: .max))
        guard length > 0 else { throw JSON.invalid("length", "must be 1 or more; without it the range goes to the end") }
    }
}

extension AttributeChanges {
    fileprivate init(json: JSON) throws(FileFailure) {
        self.init(
            mode: json["permissions"] == nil ? nil : try json.permissions(default: 0), owner: try json.optionalSmall("owner"),
            group: try json.optionalSmall("group"), size: try json.optionalUnsigned("size"),
            accessed: json["atime_ns"] == nil ? nil : WallTime(nanoseconds: try json.signed("atime_ns")),
            modified: json["mtime_ns"] == nil ? nil : WallTime(nanoseconds: try json.signed("mtime_ns")))
        followsLinks = try json.bool("follow_links", default: true)
    }
}

extension CommitOptions {
    package init(json: JSON) throws(FileFailure) {
        let message = try json.string("message", default: "")
        guard message.utf8.count <= APILimits.messageBytes else {
            throw JSON.invalid("message", "must be at most \(APILimits.messageBytes) bytes")
        }
        self.init(ifUnchanged: try json.bool("if_unchanged"), message: message, wait: try CommitWait(json: json["wait"]))
        leavesOutOpenFiles = try json.bool("leave_out_open_files")
    }
}

extension CommitWait {
    fileprivate init(json: JSON?) throws(FileFailure) {
        switch json {
        case nil: self = .policy
        case .string(let text)?: self = try CommitWait(text: text)
        case .array(let elements)?: self = try CommitWait(text: elements.map { $0.text ?? "" }.joined(separator: ","))
        default: throw JSON.invalid("wait", "must be \"policy\", \"local\", \"majority\", \"all\" or an array of regions")
        }
    }

    /// `policy`, `local`, `majority`, `all`, or regions with commas between.
    package init(text: String) throws(FileFailure) {
        switch text {
        case "", "policy": self = .policy
        case "local": self = .local
        case "majority": self = .majority
        case "all": self = .all
        default:
            let names = text.split(separator: ",", omittingEmptySubsequences: false)
            guard names.count <= 64, names.allSatisfy({ !$0.isEmpty && $0.utf8.count <= RegionID.maximumLength }) else {
                throw JSON.invalid("wait", "must be policy, local, majority, all, or regions with commas between")
            }
            self = .regions(names.map { RegionID(String($0)) })
        }
    }
}

extension ReloadMode {
    fileprivate init(json: JSON) throws(FileFailure) {
        switch try json.string("mode", default: "latest") {
        case "latest": self = .latest
        case "local": self = .local
        case "max_staleness":
            let milliseconds = try json.unsigned("max_staleness_ms")
            guard milliseconds <= 86_400_000 else { throw JSON.invalid("max_staleness_ms", "must be at most a day") }
            self = .maxStaleness(.milliseconds(Int64(milliseconds)))
        case "min_commit": self = .minimum(VersionID(try json.unsigned("version")))
        case "strict": self = .strict
        default: throw JSON.invalid("mode", "must be latest, local, max_staleness, min_commit or strict")
        }
    }
}
