from django.urls import path

from kith.web.people import data, facts, imports, links, never, organizations, views, work

urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/new/", views.person_new, name="person_new"),
    path("people/bulk/", views.bulk, name="people_bulk"),
    path("people/bulk/undo/", views.bulk_undo, name="people_bulk_undo"),
    path("people/<uuid:contact_id>/", views.person, name="person"),
    path("people/of/<uuid:identity_id>/", views.person_from_identity, name="person_from_identity"),
    # who they are
    path("people/<uuid:contact_id>/edit/", facts.edit_dialog, name="person_edit"),
    path("people/<uuid:contact_id>/edit/keep/", facts.edit, name="person_edit_keep"),
    path("people/<uuid:contact_id>/fact/", facts.fact_dialog, name="fact_dialog"),
    path("people/<uuid:contact_id>/fact/keep/", facts.fact_new, name="fact_new"),
    path("facts/<uuid:fact_id>/", facts.wrong_dialog, name="fact_wrong_dialog"),
    path("facts/<uuid:fact_id>/wrong/", facts.wrong, name="fact_wrong"),
    path("facts/<uuid:fact_id>/right/", facts.right, name="fact_right"),
    path("facts/<uuid:fact_id>/forget/", facts.forget, name="fact_forget"),
    path("people/<uuid:contact_id>/tags/", facts.tag_add, name="person_tag_add"),
    path("people/<uuid:contact_id>/tags/<uuid:tag_id>/remove/", facts.tag_remove, name="person_untag"),
    path("people/<uuid:contact_id>/tags/<uuid:tag_id>/", facts.tag_back, name="person_tag"),
    path("people/<uuid:contact_id>/role/", facts.affiliation_dialog, name="affiliation_dialog"),
    path("people/<uuid:contact_id>/role/keep/", facts.affiliation_new, name="affiliation_new"),
    path("roles/<uuid:affiliation_id>/", facts.affiliation_change, name="affiliation_change"),
    # never contact
    path("people/<uuid:contact_id>/never/", never.never_dialog, name="person_never_dialog"),
    path("people/<uuid:contact_id>/never/keep/", never.never, name="person_never"),
    path("people/<uuid:contact_id>/never/undo/", never.never_undo, name="person_never_undo"),
    path("people/<uuid:contact_id>/lift/", never.lift_dialog, name="person_lift_dialog"),
    path("people/<uuid:contact_id>/lift/do/", never.lift, name="person_lift"),
    # whose addresses are whose
    path("people/<uuid:contact_id>/link/", links.link_dialog, name="identity_link_dialog"),
    path("people/<uuid:contact_id>/link/keep/", links.link, name="identity_link"),
    path("people/<uuid:contact_id>/link/<uuid:identity_id>/remove/", links.unlink, name="identity_unlink"),
    path("people/<uuid:contact_id>/link/<uuid:identity_id>/", links.relink, name="identity_relink"),
    path("people/<uuid:contact_id>/merge/", links.merge_search, name="merge_search"),
    path("people/<uuid:contact_id>/merge/<uuid:other_id>/", links.merge_compare, name="merge_compare"),
    path("people/<uuid:contact_id>/merge/<uuid:other_id>/do/", links.merge, name="merge"),
    path("merges/<uuid:merge_id>/undo/", links.merge_undo, name="merge_undo"),
    # work
    path("people/<uuid:contact_id>/new/<slug:what>/", work.work_dialog, name="work_dialog"),
    path("people/<uuid:contact_id>/note/", work.note_new, name="note_new"),
    path("people/<uuid:contact_id>/task/", work.task_new, name="task_new"),
    path("people/<uuid:contact_id>/promise/", work.promise_new, name="promise_new"),
    path("notes/<uuid:note_id>/words/", work.note_words, name="note_words"),
    path("notes/<uuid:note_id>/delete/", work.note_delete, name="note_delete"),
    path("notes/<uuid:note_id>/photo/", work.photo, name="note_photo"),
    path("tasks/<uuid:task_id>/done/", work.task_done, name="task_done"),
    path("tasks/<uuid:task_id>/reopen/", work.task_reopen, name="task_reopen"),
    path("promises/<uuid:promise_id>/", work.promise_settle, name="promise_settle"),
    # companies
    path("organizations/", organizations.organizations, name="organizations"),
    path("organizations/<uuid:organization_id>/", organizations.organization, name="organization"),
    path("organizations/<uuid:organization_id>/edit/", organizations.edit_dialog, name="organization_edit"),
    path("organizations/<uuid:organization_id>/edit/keep/", organizations.edit, name="organization_keep"),
    # all that is kept of one person
    path("people/<uuid:contact_id>/data/", data.person_data, name="person_data"),
    path("people/<uuid:contact_id>/data/export/", data.person_export, name="person_export"),
    path("people/<uuid:contact_id>/data/erase/", data.person_erase, name="person_erase"),
    path("exports/<uuid:request_id>/", data.person_download, name="person_download"),
    # imports
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.upload, name="import_upload"),
    path("imports/<uuid:import_id>/", imports.one, name="import_one"),
    path("imports/<uuid:import_id>/run/", imports.run, name="import_run"),
    path("imports/<uuid:import_id>/undo/", imports.undo, name="import_undo"),
]
