from django.urls import path

from kith.web.people import views

urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/new/", views.person_new, name="person_new"),
    path("people/<uuid:contact_id>/", views.person, name="person"),
    path("people/<uuid:contact_id>/note/", views.note_new, name="note_new"),
    path("people/<uuid:contact_id>/task/", views.task_new, name="task_new"),
    path("people/of/<uuid:identity_id>/", views.person_from_identity, name="person_from_identity"),
    path("tasks/<uuid:task_id>/done/", views.task_done, name="task_done"),
    path("tasks/<uuid:task_id>/reopen/", views.task_reopen, name="task_reopen"),
]
