import Primitives

extension NamespaceState {
    mutating func setAttributes(
        _ id: InodeID, _ patch: AttributePatch, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.attributes(of: id)
        try checkGuards(inode, id, patch)
        try checkRights(inode, id, patch, context)
        if let size = patch.size {
            _ = try tree.file(id)
            guard size <= NamespaceLimits.fileBytes else {
                throw NamespaceError(.fileTooBig, object: "\(id)", cause: "a file has at most \(NamespaceLimits.fileBytes) bytes")
            }
        }
        if let mode = patch.mode, mode > 0o7777 {
            throw NamespaceError(.invalid, object: "\(id)", cause: "mode \(String(mode, radix: 8)) has bits beyond 7777")
        }
        let stamp = stamp(context)
        if let size = patch.size {
            tree.resize(id, &inode, to: size)
            inode.modified = context.time
            if !context.credentials.isRoot { inode.clearSetID() }
        }
        applyOwnership(&inode, patch, context)
        switch patch.accessed {
        case .exact(let time): inode.accessed = time
        case .now: inode.accessed = context.time
        case nil: break
        }
        switch patch.modified {
        case .exact(let time): inode.modified = time
        case .now: inode.modified = context.time
        case nil: break
        }
        inode.edit(stamp)
        tree.set(inode, for: id)
        return .object(ObjectReply(id, inode))
    }

    private func applyOwnership(_ inode: inout Inode, _ patch: AttributePatch, _ context: CommandContext) {
        if patch.owner != nil || patch.group != nil {
            inode.owner = patch.owner ?? inode.owner
            inode.group = patch.group ?? inode.group
            if !context.credentials.isRoot { inode.clearSetID() }
        }
        if let mode = patch.mode {
            inode.mode = mode
            // Only a member of the group gives the privilege of the group.
            if !context.isPrivileged, !context.credentials.isMember(of: inode.group) { inode.mode &= ~0o2000 }
        }
    }

    private func checkGuards(_ inode: Inode, _ id: InodeID, _ patch: AttributePatch) throws(NamespaceError) {
        if let expected = patch.ifChanged, expected != inode.changed {
            throw NamespaceError(
                .conflict, object: "\(id)", cause: "it last changed at \(inode.changed.nanoseconds) ns, not \(expected.nanoseconds) ns",
                hint: "read its attributes and try again")
        }
        if let expected = patch.ifChangeID, expected != inode.changeID {
            throw NamespaceError(
                .conflict, object: "\(id)", cause: "its change counter is \(inode.changeID), not \(expected)",
                hint: "read its attributes and try again")
        }
    }

    private func checkRights(
        _ inode: Inode, _ id: InodeID, _ patch: AttributePatch, _ context: CommandContext
    ) throws(NamespaceError) {
        guard !context.isPrivileged else { return }
        let credentials = context.credentials
        let isOwner = credentials.user == inode.owner
        func refuse(_ cause: String) -> NamespaceError { NamespaceError(.notPermitted, object: "\(id)", cause: cause) }
        if patch.mode != nil, !isOwner { throw refuse("only its owner changes the mode") }
        if let owner = patch.owner, owner != inode.owner || !isOwner { throw refuse("only root changes the owner") }
        if let group = patch.group, !isOwner || (group != inode.group && !credentials.isMember(of: group)) {
            throw refuse("only its owner changes the group, and only to a group of theirs")
        }
        for change in [patch.accessed, patch.modified] {
            switch change {
            case .exact where !isOwner: throw refuse("only its owner sets times")
            case .now where !isOwner: try AccessCheck.require(.write, on: inode, credentials, object: "\(id)")
            default: break
            }
        }
        if patch.size != nil { try requireWritableContent(inode, id, context) }
    }

    /// The owner writes whatever the mode says: see `NamespaceState`.
    func requireWritableContent(_ inode: Inode, _ id: InodeID, _ context: CommandContext) throws(NamespaceError) {
        guard let credentials = context.enforced, credentials.user != inode.owner else { return }
        try AccessCheck.require(.write, on: inode, credentials, object: "\(id)")
    }

    mutating func setXattr(
        _ id: InodeID, _ name: [UInt8], _ value: [UInt8], _ how: XattrMode, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.attributes(of: id)
        try validateXattr(name, id)
        try checkXattrRights(inode, id, name, context)
        guard value.count <= NamespaceLimits.xattrBytes else {
            throw NamespaceError(
                .tooBig, object: "\(id)",
                cause: "the value of \(display(name)) has \(value.count) bytes, at most \(NamespaceLimits.xattrBytes)")
        }
        let key = NamespaceKey(id, .xattr, name: name)
        let exists = tree.records.contains(key)
        if exists, how == .create {
            throw NamespaceError(.exists, object: "\(id)", cause: "it has an extended attribute \(display(name))")
        }
        if !exists, how == .replace {
            throw NamespaceError(.noData, object: "\(id)", cause: "it has no extended attribute \(display(name))")
        }
        if !exists, tree.xattrs(of: id).count >= NamespaceLimits.xattrs {
            throw NamespaceError(
                .noSpace, object: "\(id)", cause: "it has \(NamespaceLimits.xattrs) extended attributes, which is the limit")
        }
        inode.edit(stamp(context))
        tree.records.updateValue(.bytes(value), forKey: key)
        tree.set(inode, for: id)
        return .object(ObjectReply(id, inode))
    }

    mutating func removeXattr(_ id: InodeID, _ name: [UInt8], _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        var inode = try tree.attributes(of: id)
        try validateXattr(name, id)
        try checkXattrRights(inode, id, name, context)
        _ = try tree.xattr(of: id, name)
        inode.edit(stamp(context))
        tree.records.removeValue(forKey: NamespaceKey(id, .xattr, name: name))
        tree.set(inode, for: id)
        return .object(ObjectReply(id, inode))
    }

    private func validateXattr(_ name: [UInt8], _ id: InodeID) throws(NamespaceError) {
        guard !name.isEmpty, name.count <= NamespaceLimits.nameBytes else {
            throw NamespaceError(
                .outOfRange, object: "\(id)",
                cause: "the name of an extended attribute has 1 to \(NamespaceLimits.nameBytes) bytes, not \(name.count)")
        }
        guard !name.contains(0) else { throw NamespaceError(.invalid, object: "\(id)", cause: "a name holds no NUL") }
    }

    /// `user.` attributes follow the permission bits, all others are for owner or root, `trusted.` for root.
    private func checkXattrRights(
        _ inode: Inode, _ id: InodeID, _ name: [UInt8], _ context: CommandContext
    ) throws(NamespaceError) {
        guard !context.isPrivileged else { return }
        if name.starts(with: "user.".utf8) {
            try AccessCheck.require(.write, on: inode, context.credentials, object: "\(id)")
        } else if name.starts(with: "trusted.".utf8) || context.credentials.user != inode.owner {
            throw NamespaceError(
                .notPermitted, object: "\(id)", cause: "\(display(name)) is not for user \(context.credentials.user) to set")
        }
    }
}
