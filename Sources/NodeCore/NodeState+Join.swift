import Filesystem
import Membership
import Primitives
import Replication

// Joining. A node whose directory knows no catalog asks to be let in before it says anything to anybody
// (founders: `NodeState+Founding`): two nodes with one number must never both be heard, because the
// votes and acknowledgements of the one would count for the other. The seed registers it in the catalog;
// the catalog's leader then makes it a learner (`planMoves`, `reconcileGroups`).

extension NodeState {
    var mustAskToJoin: Bool {
        settings.introduction != nil && groups[.catalog] == nil && (cluster.founders.isEmpty || foundersWanted > 0)
    }

    /// Asks the next seed; a founder, all those that vote first.
    mutating func askToJoin(into effects: inout [Effect]) {
        guard cluster.founders.isEmpty else { return askFounders(into: &effects) }
        guard let introduction = settings.introduction, !swim.seedsToAsk.isEmpty else { return }
        var state = joining ?? Joining()
        guard !state.isAsking else { return }
        let seeds = swim.seedsToAsk
        effects.append(
            .join(with: seeds[state.nextSeed % seeds.count], JoinRequest(node: settings.id, introduction: introduction, isNew: true)))
        state.nextSeed += 1
        state.isAsking = true
        joining = state
    }

    /// Until it is let in, a node does nothing but ask.
    mutating func whileJoining(_ event: Event, into effects: inout [Effect]) {
        switch event {
        case .joinReply(let reply): joinAnswered(reply, into: &effects)
        case .timer(.housekeeping, _):
            askToJoin(into: &effects)
            effects.append(.startTimer(.housekeeping, generation: 0, at: now + .seconds(1)))
        case .leave: effects.append(.publish(.left))
        case .handOver: effects.append(.publish(.handedOver))
        case .openSession(let request, _, _, _), .operation(let request, _, _, _, _), .changeCatalog(let request, _, _):
            if case .operation(_, _, _, let payload?, _) = event { effects.append(.dropBuffer(payload.buffer)) }
            let failure = FileFailure(
                .unavailable, operation: "request", object: "node \(settings.id)", cause: "the node has not joined the cluster yet",
                hint: "ask another node, or wait")
            effects.append(.reply(request, .failed(failure)))
        case .joinRequest(let token, let from, let request): serveWhileNew(token, from: from, request, into: &effects)
        case .message(_, _, let attachment?): effects.append(.dropBuffer(attachment.buffer))
        default: break
        }
    }

    private mutating func joinAnswered(_ reply: JoinReply?, into effects: inout [Effect]) {
        joining?.isAsking = false
        switch reply {
        case .admitted: joined(into: &effects)
        case .beginning(let node, let store):
            newFounders[node] = store
            beginIfFounded(into: &effects)
        case .refused(let why):
            // Several may say so; it is one line.
            guard joining?.said != why else { return }
            joining?.said = why
            effects.append(.publish(.fault(why)))
        case .later(let why): delayed(why, into: &effects)
        case nil: delayed("no seed answers", into: &effects)
        }
    }

    mutating func joined(into effects: inout [Effect]) {
        guard joining != nil else { return }
        joining = nil
        effects.append(.publish(.joined(settings.id)))
        begin(into: &effects)
    }

    /// Told once for each reason; of founders that are being started not at once.
    private mutating func delayed(_ why: String, into effects: inout [Effect]) {
        guard let joining, joining.said != why, cluster.founders.isEmpty || joining.rounds > 5 else { return }
        self.joining?.said = why
        effects.append(.publish(.joinDelayed(why)))
    }

    // MARK: At the node that is asked

    mutating func serveJoin(_ token: SyncToken, from: NodeID, _ request: JoinRequest, into effects: inout [Effect]) {
        guard from == request.node else {
            effects.append(.answerJoin(token, .refused("node join: it says it is \(request.node), its certificate is for \(from)")))
            return
        }
        guard catalog.cluster != nil else {
            effects.append(.answerJoin(token, replyBeforeTheCluster(request)))
            return
        }
        if request.isNew, isRegistered(request) {
            effects.append(.answerJoin(token, .admitted))
            return
        }
        let command = CatalogCommand(
            at: civil, by: "node \(from)", action: .registerNode(request.introduction, number: request.node))
        begin(.background(.admit(token, envelope: command.xdrBytes)), deadline: now + .seconds(4), into: &effects)
    }

    /// Whether the catalog has this node with this directory: one that comes with it and holds nothing has never
    /// said anything that it could have forgotten. What else is new of it, it tells the catalog when it knows it.
    private func isRegistered(_ request: JoinRequest) -> Bool {
        guard let record = catalog.nodes[request.node], record.state != .removed, record.store != 0 else { return false }
        return record.store == request.introduction.store && record.name == request.introduction.name
            && record.region == request.introduction.region
    }

    mutating func performAdmission(_ token: SyncToken, _ envelope: [UInt8], _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt)
    {
        switch try performCatalog(envelope, operation: "node join", &progress, into: &effects) {
        case .success: effects.append(.answerJoin(token, .admitted))
        case .failure(let error): effects.append(.answerJoin(token, error.isRetryable ? .later("\(error)") : .refused("\(error)")))
        }
    }

    // MARK: Members

    /// Every five seconds, while the catalog has this node otherwise than it is: endpoints, weight, the
    /// name of its directory. Where no leader of the catalog is heard, a seed is asked whether this node
    /// still belongs: it may have been removed, or its number may be another's, while it was away.
    mutating func presentMyself(into effects: inout [Effect]) {
        guard let introduction = settings.introduction else { return }
        if !catalogWasKnown, knowsCatalog {
            catalogWasKnown = true
            catalogApplied(whole: true, into: &effects)
        }
        guard presentedAt.map({ $0 + .seconds(5) <= now }) ?? true else { return }
        if directory.with(settings.id, { $0.state == .removed }) == true {
            presentedAt = now
            effects.append(
                .publish(.fault("node \(settings.id) was removed from the cluster; its data directory may be deleted")))
            return
        }
        guard knowsCatalog else {
            if let seed = swim.seedsToAsk.isEmpty ? nil : swim.seedsToAsk[Int(now.nanoseconds / 5_000_000_000) % swim.seedsToAsk.count] {
                presentedAt = now
                effects.append(.join(with: seed, JoinRequest(node: settings.id, introduction: introduction, isNew: false)))
            }
            return
        }
        let isKnown = directory.with(settings.id) {
            $0.store == introduction.store && $0.weight == introduction.weight && $0.name == introduction.name
                && $0.endpoints == introduction.endpoints.sorted()
        }
        guard isKnown != true else { return }
        presentedAt = now
        tellCatalog(.registerNode(introduction, number: settings.id), into: &effects)
    }

    mutating func belongs(_ reply: JoinReply?, into effects: inout [Effect]) {
        if case .refused(let why) = reply { effects.append(.publish(.fault(why))) }
    }

    mutating func tellCatalog(_ action: CatalogAction, into effects: inout [Effect]) {
        begin(.background(.tellCatalog(action)), deadline: now + .seconds(10), into: &effects)
    }

    mutating func performTelling(_ action: CatalogAction, _ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt)
    {
        let value = try step(Step(.propose), &progress) { node, token in
            let command = CatalogCommand(at: node.civil, by: "node \(node.settings.id)", action: action)
            node.call(.catalog, .propose(envelope: command.xdrBytes), token: token)
        }
        // A refusal of a settlement is stale news; of this node's own presence, its end.
        guard case .registerNode = action, case .applied(_, let bytes) = value, let result = try? CatalogResult(xdr: bytes),
            case .failure(let error) = result, !error.isRetryable
        else { return }
        effects.append(.publish(.fault("\(error)")))
    }
}
