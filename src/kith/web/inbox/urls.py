from django.urls import path

from kith.web.inbox import actions, compose, content, views, write

urlpatterns = [
    path("", views.home, name="home"),
    path("nav/", views.nav, name="nav"),
    path("inbox/", views.inbox_list, name="inbox"),
    path("inbox/write/", write.write, name="write"),
    path("inbox/bulk/", actions.bulk, name="inbox_bulk"),
    path("inbox/undo/<uuid:batch_id>/", actions.undo, name="undo"),
    path("inbox/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("inbox/<uuid:conversation_id>/head/", views.head, name="conversation_head"),
    path("inbox/<uuid:conversation_id>/messages/", views.messages, name="messages"),
    path("inbox/<uuid:conversation_id>/presence/", views.presence, name="presence"),
    path("inbox/<uuid:conversation_id>/assign/", actions.assign, name="assign"),
    path("inbox/<uuid:conversation_id>/snooze/", actions.snooze, name="snooze"),
    path("inbox/<uuid:conversation_id>/status/", actions.status, name="status"),
    path("inbox/<uuid:conversation_id>/tag/", actions.tag, name="tag"),
    path("inbox/<uuid:conversation_id>/priority/", actions.priority, name="priority"),
    path("inbox/<uuid:conversation_id>/tray/", actions.tray, name="tray"),
    path("inbox/<uuid:conversation_id>/draft/", compose.draft, name="draft"),
    path("inbox/<uuid:conversation_id>/verdict/", compose.verdict, name="verdict"),
    path("inbox/<uuid:conversation_id>/reply/", compose.reply, name="reply"),
    path("inbox/<str:key>/", views.inbox_list, name="inbox_view"),
    path("messages/<uuid:message_id>/frame/", content.message_frame, name="message_frame"),
    path("messages/<uuid:message_id>/html/", content.message_html, name="message_html"),
    path("messages/<uuid:message_id>/text/", content.message_text, name="message_text"),
    path("messages/<uuid:message_id>/unsend/", compose.unsend, name="message_unsend"),
    path("files/<uuid:attachment_id>/", content.attachment, name="attachment"),
    path("files/<uuid:attachment_id>/preview/", content.attachment_preview, name="attachment_preview"),
    path("images/<str:token>/", content.remote_image, name="remote_image"),
    path("faces/<str:digest>/", content.avatar, name="avatar"),
]
